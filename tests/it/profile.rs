//! Profiles: every row of the table of parameters, the register of clauses, and what the code reads from both.

use std::collections::BTreeSet;

use bailiwick::access::lint::Rules;
use bailiwick::profile::order::Order;
use bailiwick::profile::settings::KnownDevices;
use bailiwick::profile::{
    ClauseId, Period, PeriodUnit, Policies, PolicyFiles, Profile, Strength, clauses, parameters,
};
use chrono::NaiveDate;

fn policies() -> Policies {
    Policies::load(&PolicyFiles::built_in()).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
}

fn profile(policies: &Policies, key: &str) -> Profile {
    policies.profile(key).cloned().unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn clause(text: &str) -> ClauseId {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// The table of parameters: name, what each source says ("–" nothing, "?" a duty without a number), the strictest with
/// the project's choices in its gaps, and the clauses of the two policies.
const TABLE: &str = "
alarm.canary_access | on | – | – | on | E37.5
alarm.repeated_lock | – | – | – | 5 in 1440 minutes | E10.1
alarm.request_rate | on | – | – | 600 in 1 minute | E37.3
alarm.retrieval_volume | on | – | – | 500 in 60 minutes | E37.4
alarm.unauthorised_calls | on | – | – | 10 in 5 minutes | E37.2
channels.plaintext | refused | refused | refused | refused | E13.1 E13.3 E13.4 O17.2 O17.3
channels.untrusted_termination | others: message-encrypted | – | others: message-encrypted \
 | itself: refused, others: message-encrypted | E14
crypto.at_rest_bits | 256 | 256 | 128 | 256 | E2 E26.2 O31.1
crypto.key_hosting | – | private | – | private | O32
deletion.live_within | – | 90 days | 30 days | 30 days | O25
deletion.within | – | 72 hours | 720 hours | 72 hours | O24.1
incident.guidelines | – | nist-sp-800-61, nist-sp-800-88 | – | nist-sp-800-61, nist-sp-800-88 | O20.2
incident.notify_start | detection | ? | ? | detection | E17 O19
incident.notify_to | 3p-security@amazon.com | ? | security@amazon.com | ? | E17 O19
incident.notify_within | 24 hours | 24 hours | 24 hours | 24 hours | E17 O19
incident_plan.on_change | review, verify | before-the-cadence, review | review \
 | before-the-cadence, review, verify | E16.3 E16.4 O23.2
incident_plan.review_every | 6 months | 90 days | 6 months | 90 days | E16.1 O23.1
incident_plan.scenarios | degradation, interruption | database-hacking, leakage, unauthorised-access | – \
 | database-hacking, degradation, interruption, leakage, unauthorised-access | E15 O18
incident_plan.verify_every | 6 months | – | – | 6 months | E16.2
grant.max_duration | – | – | – | access_role: 90 days, ordinary: 365 days | O6 O12
inventory.update_every | ? | 3 months | ? | 3 months | E23.2 O29.1
leaver.start | – | effective-time | ? | effective-time | O10
leaver.within | – | 24 hours | 24 hours | 24 hours | O10
lockout.anomaly | on | – | – | on | E10.1 E10.2 E10.3
lockout.duration | – | ? | ? | 15 minutes (between 5 minutes and 60 minutes) | O15
lockout.known_devices | – | – | – | with-mfa | O15
lockout.max_failures | – | 3 | 10 | 3 | O15
log.clearing | – | administrator, anomaly-resolved, by-hand | – \
 | administrator, anomaly-resolved, by-hand, older-than-retention, two-persons | O36.2
log.file_every | – | 1 day | – | 1 day | O36.1
log.retention | 90 days | 90 days | 12 months | 12 months | E36 O36.3
network.controls | firewall | access-control-list, firewall \
 | access-control-list, firewall, intrusion-detection, segmentation \
 | access-control-list, firewall, intrusion-detection, segmentation | E1 O3.1 O3.2
network.public_access | none | approved-users | approved-users | none | E3 O4
password.max_age | – | 90 days | 365 days | 90 days | O14
password.min_digits | – | 1 | 1 | 1 | O16
password.min_length | – | 12 | 12 | 12 | O13.2
password.min_lower | – | 1 | 1 | 1 | O16
password.min_special | – | 1 | 1 | 1 | O16
password.min_upper | – | 1 | 1 | 1 | O16
pii.archive | cold-only | forbidden | where-law-requires | forbidden | E19.1 E19.2 O27
pii.download | – | refused | – | refused | O11.3
pii.hosting | – | private | – | private | O26.1
pii.printing | – | despatch-labels | – | despatch-labels | O33
pii.purposes | fulfilment, tax | fulfilment | – | fulfilment | E18.1 E18.2 O26.2 O26.4
pii.retention | 30 days | 30 days | 30 days | 30 days | E18.3 O26.3 O26.5 O27 O28.1 O28.4
pii.retention_exception | tax | legal-requirement | – | none | E18.3 O26.3
pii.retention_start | shipment | delivery, fulfilment | delivery | shipment | E18.3 O26.3 O26.5
records.keep_after_agreement | 12 months | 12 months | – | 12 months | E39 O44
review.cadence | 1 calendar month | 90 days | 3 calendar months | 1 calendar month | E8.1 O9
review.external_reviewers | refused | – | – | refused | E8.3
scan.code_before_release | – | on | on | on | O42
scan.every | – | 180 days | 30 days, and after change | 30 days, and after change | O41.4
storage.forbidden_amazon | personal-devices | personal-devices, removable-media | – \
 | personal-devices, removable-media | E9 O11.1 O11.2
storage.forbidden_pii | public-links, removable-media, unsecured-public-cloud \
 | external-media, personal-devices, removable-media, unsecured-cloud | – \
 | external-media, personal-devices, public-links, removable-media, unsecured-cloud, unsecured-public-cloud \
 | E28.1 E28.2 E28.3 O30.1 O30.2 O30.3 O31.2 O31.3 O31.4 O31.5
training.max_age | – | ? | 12 months | 12 months | O5.1 O5.2
training.subjects | – | data-protection, it-security | ? | data-protection, it-security | O5.1 O5.2
transport.protocol | https | https | encrypted | https | E11 E12 E26.1 O17.1
vulnerability.fix_within | – | ? | critical: 7 days, high: 30 days | critical: 7 days, high: 30 days | O40.2 O41.3
api_key.max_age | – | – | 12 months | 12 months |
incident.contact_named | – | – | on | on |
log.review_every | – | – | 14 days | 14 days |
lwa_secret.max_age | – | – | 180 days | 180 days |
mfa.required_for | – | – | all | all |
non_pii.retention | – | – | 18 months | 18 months |
password.forbid_name_parts | – | – | on | on |
password.history | – | – | 10 | 10 |
password.min_age | – | – | 1 day | 1 day |
risk_review.every | – | – | 12 months | 12 months |
scan.pentest_every | – | 180 days | 365 days | 180 days | O41.4
transport.min_tls | – | – | 1.2 | 1.2 |
vendor_review.every | – | – | 12 months | 12 months |
";

fn table() -> Vec<Vec<&'static str>> {
    TABLE
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split('|').map(str::trim).collect())
        .collect()
}

#[test]
fn every_row_of_the_table_is_what_the_profiles_say() {
    let policies = policies();
    let strictest = profile(&policies, "strictest");
    let rows = table();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<BTreeSet<_>>(), parameters::names().collect());
    for row in rows {
        let name = row[0];
        for (column, key) in [(1, "e2e-solutions"), (2, "one-connection"), (3, "amazon-dpp")] {
            let source = policies.sources.iter().find(|source| source.key == key).unwrap();
            let said = match source.statements.get(name).map(|statement| &statement.value) {
                None => "–".to_owned(),
                Some(None) => "?".to_owned(),
                Some(Some(value)) => value.to_string(),
            };
            assert_eq!(said, row[column], "{name} in {key}");
        }
        let parameter = strictest.parameter(name).unwrap_or_else(|| panic!("{name} is missing"));
        let said = parameter.value.as_ref().map_or("?".to_owned(), ToString::to_string);
        assert_eq!(said, row[4], "{name} in strictest");
        let wanted: BTreeSet<ClauseId> = row[5]
            .split_whitespace()
            .flat_map(|id| policies.clauses.find(&clause(id)).into_iter().map(|row| row.id.clone()))
            .collect();
        let of_policies = |id: &&ClauseId| id.source() != clauses::Source::Dpp;
        let found: BTreeSet<ClauseId> = strictest.clauses(name).iter().filter(of_policies).cloned().collect();
        assert_eq!(found, wanted, "clauses of {name}");
    }
}

#[test]
fn the_strictest_is_at_least_as_strict_as_each_source() {
    let policies = policies();
    let strictest = profile(&policies, "strictest");
    let mut compared = 0;
    for source in &policies.sources {
        for (name, statement) in &source.statements {
            let order = parameters::find(name).unwrap().order;
            if let (Some(own), false) = (&statement.value, order == Order::OneList) {
                let chosen =
                    strictest.parameter(name).and_then(|parameter| parameter.value.as_ref()).unwrap();
                assert!(order.at_least(chosen, own), "{name}: {chosen} against {own} of {}", source.key);
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "only {compared} values compared");
}

#[test]
fn clauses_are_counted_and_trace_to_parameters_and_back() {
    let policies = policies();
    let register = &policies.clauses;
    assert_eq!(register.clause_count(), 88);
    assert_eq!(register.duties().count(), 178);
    assert_eq!(register.definitions().count(), 4);
    let of_mode = |mode| register.duties().filter(|row| row.mode == mode).count();
    let modes = [clauses::Mode::Enforced, clauses::Mode::Both, clauses::Mode::Evidence];
    assert_eq!(modes.map(of_mode), [22, 87, 69]);

    let strictest = profile(&policies, "strictest");
    for parameter in strictest.parameters() {
        assert!(!parameter.clauses.is_empty(), "{} names no clause", parameter.name);
        for id in parameter.clauses.iter().filter(|id| id.source() != clauses::Source::Dpp) {
            assert!(register.get(id).is_some(), "{} names {id}", parameter.name);
        }
    }
    for row in register.duties() {
        for name in &row.parameters {
            assert!(
                strictest.clauses(name).contains(&row.id),
                "{} names {name}, which does not name it",
                row.id
            );
        }
    }
}

#[test]
fn a_bare_number_means_all_rows_of_its_clause() {
    let register = policies().clauses;
    let found =
        |id: &str| register.find(&clause(id)).into_iter().map(|row| row.id.to_string()).collect::<Vec<_>>();
    assert_eq!(found("E13"), ["E13.1", "E13.2", "E13.3", "E13.4"]);
    assert_eq!(found("O15"), ["O15"]);
    assert_eq!(found("E1"), ["E1"], "not E10 and the like");
    assert_eq!(found("O99"), Vec::<String>::new());
    assert!(register.get(&clause("E13")).is_none());
    assert!(clause("E2") < clause("E10") && clause("E10.2") < clause("O1.1"));
    for wrong in ["", "E", "X1", "E1.", "13", "E1.2.3", "O-1", "DPP", "DPP x.1", "E１"] {
        assert!(wrong.parse::<ClauseId>().is_err(), "{wrong:?}");
    }
    assert_eq!(clause("DPP 2.3-2.5").to_string(), "DPP 2.3-2.5");
}

#[test]
fn typed_settings_read_the_profile_in_force() {
    let policies = policies();
    let strictest = profile(&policies, "strictest");
    assert_eq!((strictest.password().min_length, strictest.password().history), (12, 10));
    assert_eq!(strictest.password().max_age, Some(Period::days(90)));
    assert_eq!(
        (strictest.lockout().max_failures, strictest.lockout().duration.to_string()),
        (3, "15min".to_owned())
    );
    assert_eq!(strictest.lockout().known_devices, KnownDevices::WithMfa);
    assert!(strictest.mfa().required_for_all && !strictest.review().external_reviewers);
    assert_eq!(strictest.review().cadence, Period { count: 1, unit: PeriodUnit::CalendarMonths });
    assert_eq!(strictest.grant().max_duration(true), Period::days(90));
    assert_eq!(strictest.grant().max_duration(false), Period::days(365));
    assert_eq!(strictest.pii().retention_days, 30);
    assert_eq!(strictest.leaver().within, Period { count: 24, unit: PeriodUnit::Hours });
    assert_eq!(strictest.log().retention, Period { count: 12, unit: PeriodUnit::Months });
    assert_eq!(strictest.clauses("password.min_length"), [clause("O13.2"), clause("DPP 1.4")]);
    let rules = Rules::from(&strictest);
    assert_eq!(rules.access_role_end, Some(Period::days(90)));
    assert!(
        rules.day_parameters.contains("pii.retention") && !rules.day_parameters.contains("deletion.within")
    );
}

#[test]
fn one_source_alone_has_its_own_values_and_the_project_s_in_its_gaps() {
    let policies = policies();
    let one = profile(&policies, "one-connection");
    assert_eq!(one.review().cadence, Period::days(90));
    assert_eq!(one.log().retention, Period::days(90));
    assert!(!one.mfa().required_for_all && one.password().history == 0 && one.password().min_age.is_none());
    let duration = one.parameter("lockout.duration").unwrap();
    assert_eq!((duration.strength, &duration.clauses[..]), (Strength::Project, &[clause("O15")][..]));
    assert_eq!(one.parameter("password.max_age").unwrap().effective, NaiveDate::from_ymd_opt(2024, 5, 8));

    let e2e = profile(&policies, "e2e-solutions");
    assert_eq!((e2e.password().min_length, e2e.password().min_upper), (12, 0));
    assert_eq!(e2e.parameter("password.min_length").unwrap().strength, Strength::Project);
    assert_eq!(e2e.clauses("leaver.within"), [], "no clause of another source");
    assert_eq!(e2e.clauses("lockout.max_failures"), [clause("E10.2")]);
    assert!(e2e.lockout().anomaly);

    let amazon = profile(&policies, "amazon-dpp");
    assert_eq!(amazon.lockout().max_failures, 10);
    assert_eq!(amazon.parameter("mfa.required_for").unwrap().strength, Strength::Secondary);
    assert_eq!(amazon.parameter("password.history").unwrap().strength, Strength::Primary);
    assert_eq!(amazon.parameter("grant.max_duration").unwrap().clauses, []);
}

#[test]
fn an_unknown_profile_is_refused_with_the_nearest_one() {
    let policies = policies();
    let refusal = policies.profile("strict").unwrap_err();
    assert_eq!(refusal.remedy, "did you mean \"strictest\"?");
    assert_eq!(
        policies.keys().collect::<Vec<_>>(),
        ["amazon-dpp", "e2e-solutions", "one-connection", "strictest"]
    );
}
