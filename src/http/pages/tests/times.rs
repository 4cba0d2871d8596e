//! The filters, asked as a template asks them.

use super::ask;

#[test]
fn an_end_at_midnight_belongs_to_the_day_it_ends() {
    assert_eq!(ask("'2026-12-01T00:00:00Z'|until('UTC')"), "Mon 30 Nov 2026, 24:00");
    assert_eq!(ask("'2026-12-01T00:00:00Z'|instant('UTC')"), "Tue 1 Dec 2026, 00:00");
    assert_eq!(ask("'2026-11-30T23:00:00Z'|until('Europe/Berlin')"), "Mon 30 Nov 2026, 24:00");
    assert_eq!(ask("'2026-11-30T18:00:00'|until('UTC')"), "Mon 30 Nov 2026, 18:00");
    assert_eq!(ask("'2026-12-01T00:00:00Z'|last_day('UTC')"), "30 Nov 2026");
    assert_eq!(ask("'2026-12-01T00:00:01Z'|last_day('UTC')"), "1 Dec 2026");
    assert_eq!(ask("1796061600000000|instant('UTC')"), "Mon 30 Nov 2026, 18:00");
}

#[test]
fn days_seconds_and_attributes() {
    assert_eq!(ask("'2026-11-24T23:30:00Z'|day('Asia/Shanghai')"), "Wed 25 Nov 2026");
    assert_eq!(ask("'2026-11-24T23:30:00Z'|date('Asia/Shanghai')"), "25 Nov 2026");
    assert_eq!(ask("'2026-11-24'|day('Asia/Shanghai')"), "Tue 24 Nov 2026");
    assert_eq!(ask("'2026-11-24T10:18:04.5Z'|second('UTC')"), "Tue 24 Nov 2026, 10:18:04");
    assert_eq!(ask("'2026-11-24T10:18:04.5Z'|clock('UTC')"), "10:18:04");
    assert_eq!(ask("'2026-11-24T11:18:04+01:00'|iso"), "2026-11-24T10:18:04Z");
}

#[test]
fn what_is_left_is_never_rounded_up() {
    let left = |at: &str| ask(&format!("'{at}'|left('2026-11-24T10:18:00Z')"));
    assert_eq!(left("2026-12-01T00:00:00Z"), "in 6 days");
    assert_eq!(left("2026-11-25T10:17:59Z"), "in 23 h 59 min");
    assert_eq!(left("2026-11-25T23:00:00Z"), "in 36 h");
    assert_eq!(left("2026-11-24T11:18:00Z"), "in 1 h");
    assert_eq!(left("2026-11-24T10:18:30Z"), "now");
    assert_eq!(left("2026-11-24T09:18:00Z"), "1 h ago");
    assert_eq!(left("2027-03-31T00:00:00Z"), "in 4 months");
    assert_eq!(left("2029-11-24T10:18:00Z"), "in 3 years");
    assert_eq!(ask("'2026-10-14T09:00:00Z'|ago('2026-11-24T10:18:00Z')"), "41 days ago");
    assert_eq!(ask("'2026-11-24T10:17:30Z'|ago('2026-11-24T10:18:00Z')"), "just now");
}

#[test]
fn amber_begins_seven_days_ahead_and_red_at_the_end() {
    let near = |at: &str| ask(&format!("'{at}'|nearness('2026-11-24T10:18:00Z')"));
    assert_eq!(near("2026-12-01T10:18:01Z"), "");
    assert_eq!(near("2026-12-01T10:18:00Z"), "due");
    assert_eq!(near("2026-11-24T10:18:00Z"), "breach");
}

#[test]
fn clocks_count_and_numbers_have_thin_spaces() {
    assert_eq!(
        ask("'2026-11-30T18:00:00Z'|parts('2026-11-24T10:18:00Z')"),
        "[[6, 'd'], [7, 'h'], [42, 'min']]"
    );
    assert_eq!(ask("'2026-11-25T00:00:00Z'|parts('2026-11-24T10:18:00Z')"), "[[13, 'h'], [42, 'min']]");
    assert_eq!(ask("'2026-11-24T00:00:00Z'|hours_since('2026-11-24T10:18:00Z')"), "10");
    assert_eq!(ask("184220|number"), "184\u{202f}220");
    assert_eq!(ask("999|number"), "999");
    assert_eq!(ask("-1000|number"), "\u{2212}1\u{202f}000");
    assert_eq!(ask("1|counted('role', 'roles')"), "1 role");
    assert_eq!(ask("2041|counted('person', 'people')"), "2\u{202f}041 people");
    assert_eq!(ask("4|share(38)"), "10.5");
    assert_eq!(ask("0|share(0)"), "0.0");
}

#[test]
#[should_panic(expected = "kind none")]
fn a_time_that_is_none_is_an_error() {
    ask("none|instant('UTC')");
}
