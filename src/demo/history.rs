//! What happened in the example company in the last two months.

use chrono::Duration;

use super::ORGANISATION;
use super::company;
use super::past::{Ask, Desk, Past};
use crate::access::scope::Scope;
use crate::access::{apply, floor, kill_switches};
use crate::accounts::import::import_people;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::ids::{CampaignId, RequestId};
use crate::leavers::{self, NewLeaver};
use crate::profile::STRICTEST;
use crate::requests::{self, Until};
use crate::reviews::deciding::{self, Answer};
use crate::reviews::lists::{self, Narrow};
use crate::reviews::opening::{self, NewCampaign};
use crate::reviews::{CampaignScope, CampaignState, Decision, ItemState};
use crate::signin::inviting::{FirstRun, set_up, set_up_link};

/// How long the house has been in use.
pub(super) const SPAN: Duration = Duration::days(62);
/// How long before the visit the last thing happened.
const JUST_NOW: Duration = Duration::minutes(10);
/// A campaign waits so long until its reviewers sit down to it.
const REVIEWERS_WAIT: Duration = Duration::days(4);

const ADMINISTRATOR: &str = "dmitri.voznesensky";
const SECOND: &str = "priya.raman";
const OFFICER: &str = "nadia.benyoucef";
const AUDITOR: &str = "wren.abernathy";
const MANAGER: &str = "oliver.pemberton";
const OWNER: &str = "grace";
const EMPLOYEE: &str = "ines.evans";
/// Leaves today, and has an account in a system where somebody must take it away by hand.
const LEAVER: &str = "jiho.mansour";

/// Whom a visitor can be.
pub(super) const VISITORS: &[(&str, &str)] = &[
    ("administrator", ADMINISTRATOR),
    ("manager", MANAGER),
    ("application owner", OWNER),
    ("employee", EMPLOYEE),
    ("auditor", AUDITOR),
    ("security officer", OFFICER),
];

/// Who else acts: those who decide about somebody's access, and two who ask for it.
const OTHERS: &[&str] = &[
    "eleanor.whitcombe",
    "marcus.adeyemi",
    "seamus.obrien",
    "tomasz.wisniewski",
    "lena.hoffmann",
    "pawel.dabrowski",
    "kwame.mensah",
    "elena.wozniak",
    "chidi.nair",
];

/// Everything, from the set-up to ten minutes ago.
///
/// # Errors
/// As the use cases.
pub(super) fn happen(past: &mut Past) -> Result<()> {
    set_up_and_invite(past)?;
    let desks = applications(past)?;
    past.come_to(58, |_| Ok(()))?;
    give_ordinary_roles(past)?;
    ask_and_approve(past)?;
    past.come_to(40, |past| a_day_of_work(past, &desks))?;
    stop_and_lift(past)?;
    past.come_to(25, |past| a_day_of_work(past, &desks))?;
    let gone = Departure { who: "filip.gibbons", by: MANAGER, after: Duration::zero() };
    report(past, &gone, "moves to Dublin")?;
    past.come_to(5, |past| a_day_of_work(past, &desks))?;
    what_is_under_way(past, &desks)
}

fn set_up_and_invite(past: &mut Past) -> Result<()> {
    let link = past.app.write_now(&Caller::house("start"), set_up_link)?.value;
    let wanted = FirstRun {
        organisation: ORGANISATION.to_owned(),
        time_zone: "Europe/London".to_owned(),
        public_url: past.app.config().public_url.clone(),
        profile: STRICTEST.to_owned(),
        username: ADMINISTRATOR.to_owned(),
        given_name: "Dmitri".to_owned(),
        family_name: "Вознесенский".to_owned(),
        email: None,
    };
    let made = past.app.write_now(&Caller::nobody(), |tx| set_up(tx, &link.token, wanted))?.value;
    let account = past.account(ADMINISTRATOR)?;
    past.enrol_by(ADMINISTRATOR, account, made.token)?;
    let dmitri = past.at_work(ADMINISTRATOR)?;
    let report = import_people(&past.app, &dmitri, &company::people()?, false, &mut |_| {})?;
    if report.refused > 0 {
        return Err(Error::internal("importing the example company", "a row was refused"));
    }
    for username in [SECOND, OFFICER, AUDITOR, MANAGER, OWNER, EMPLOYEE].iter().chain(OTHERS) {
        let dmitri = past.at_work(ADMINISTRATOR)?;
        past.enrol(&dmitri, username)?;
    }
    for (username, role) in [
        (SECOND, floor::ADMINISTRATOR),
        (OFFICER, "bailiwick/security-officer"),
        (AUDITOR, "bailiwick/auditor"),
    ] {
        give(past, ADMINISTRATOR, username, role, "80d", "Named by the board")?;
    }
    Ok(())
}

fn applications(past: &mut Past) -> Result<[Desk; 2]> {
    let dmitri = past.at_work(ADMINISTRATOR)?;
    past.app.write_now(&dmitri, |tx| apply::apply(tx, &company::catalogues()))?;
    Ok([past.desk(&dmitri, "orders", OWNER)?, past.desk(&dmitri, "warehouse", "tomasz.wisniewski")?])
}

/// Gives somebody an ordinary role.
fn give(past: &mut Past, by: &str, to: &str, role: &str, lasts: &str, reason: &str) -> Result<()> {
    let giver = past.at_work(by)?;
    let wanted = requests::Ask { account: Some(past.account(to)?), ..asking(role, lasts, reason)? };
    past.app.write_now(&giver, |tx| requests::give(tx, &wanted)).map(drop)
}

fn asking(role: &str, lasts: &str, reason: &str) -> Result<requests::Ask> {
    let lasts = lasts.parse().map_err(|_| Error::internal("filling the demonstration", "a period"))?;
    Ok(requests::Ask {
        account: None,
        role: role.to_owned(),
        reason: reason.to_owned(),
        scope: None,
        valid_from: None,
        until: Until::For(lasts),
    })
}

fn give_ordinary_roles(past: &mut Past) -> Result<()> {
    let desk = "Works at the order desk";
    for username in [EMPLOYEE, "elena.wozniak", "chidi.nair", "filip.gibbons", LEAVER] {
        give(past, MANAGER, username, "orders/order-clerk", "180d", desk)?;
    }
    give(past, MANAGER, "chidi.nair", "orders/refund-releaser", "180d", "Releases what others prepare")?;
    give(past, MANAGER, LEAVER, "claims/claims-handler", "120d", "Files claims about late parcels")?;
    for username in team(past, "lena.hoffmann")? {
        give(past, "lena.hoffmann", &username, "orders/refund-clerk", "180d", desk)?;
    }
    let returns = team(past, "pawel.dabrowski")?;
    for username in &returns {
        give(past, "pawel.dabrowski", username, "warehouse/returns-clerk", "180d", "Books returns")?;
    }
    for username in returns.iter().take(2) {
        give(past, "pawel.dabrowski", username, "claims/claims-handler", "120d", "Files claims")?;
    }
    for username in team(past, "kwame.mensah")? {
        give(past, "kwame.mensah", &username, "warehouse/picker", "180d", "Early shift")?;
    }
    Ok(())
}

/// The usernames of those who report to somebody, in their order.
fn team(past: &Past, manager: &str) -> Result<Vec<String>> {
    let manager = past.account(manager)?;
    let reports = past.app.read_now(|reader| crate::accounts::reports(reader, &manager))?;
    let mut names: Vec<String> = reports
        .iter()
        .filter_map(|one| past.app.directory().card(&one.id))
        .map(|card| card.username)
        .collect();
    names.sort_unstable();
    Ok(names)
}

/// Three ask for buyers' addresses: manager and owner say yes to two, and no to a wish for phone numbers.
fn ask_and_approve(past: &mut Past) -> Result<()> {
    for asker in [EMPLOYEE, "elena.wozniak", "chidi.nair"] {
        let request = ask(past, asker, "orders/address-reader", "90d", "Prints labels for returns")?;
        past.advance(Duration::hours(2))?;
        approve(past, MANAGER, &request, Some("as agreed in the team"))?;
        past.advance(Duration::hours(1))?;
        approve(past, OWNER, &request, None)?;
    }
    let request = ask(past, "chidi.nair", "orders/phone-reader", "30d", "To call about late parcels")?;
    past.advance(Duration::hours(3))?;
    let oliver = past.at_work(MANAGER)?;
    let note = "The drivers call; you need no numbers for that.";
    past.app.write_now(&oliver, |tx| requests::refuse(tx, &request, Some(note))).map(drop)
}

fn ask(past: &mut Past, who: &str, role: &str, lasts: &str, reason: &str) -> Result<RequestId> {
    let asker = past.at_work(who)?;
    let scope: Scope = [("marketplace".to_owned(), vec!["UK".to_owned()])].into();
    let wanted = requests::Ask { scope: Some(scope), ..asking(role, lasts, reason)? };
    past.app.write_now(&asker, |tx| requests::ask(tx, &wanted)).map(|asked| asked.value.id)
}

fn approve(past: &mut Past, who: &str, request: &RequestId, note: Option<&str>) -> Result<()> {
    let approver = past.at_work(who)?;
    past.app.write_now(&approver, |tx| requests::approve(tx, request, note)).map(drop)
}

/// What is asked on a day, and what reviewers get done. Chidi has not opened an address for a long time.
fn a_day_of_work(past: &mut Past, [orders, warehouse]: &[Desk; 2]) -> Result<()> {
    let day = u32::try_from(past.now().seconds() / 86_400 % 1_000).unwrap_or_default();
    let question = |subject, feature, action, record| Ask { subject, feature, action, record };
    past.ask(
        orders,
        &[
            question(EMPLOYEE, "buyer-address", "read", day * 10),
            question("elena.wozniak", "buyer-address", "read", day * 10 + 1),
            question(EMPLOYEE, "order", "read", day * 10 + 2),
            question("chidi.nair", "order", "update", day * 10 + 3),
            question("elena.wozniak", "buyer-address", "export", day * 10 + 4),
            question("filip.gibbons", "order", "read", day * 10 + 5),
            question("chidi.nair", "buyer-phone", "read", day * 10 + 6),
        ],
    )?;
    past.ask(
        warehouse,
        &[question("maja.eastwood", "return", "book", day), question("kofi.nystroem", "return", "read", day)],
    )?;
    answer_reviews(past)
}

/// Whoever reviews keeps what still fits, some days after a campaign has opened.
fn answer_reviews(past: &mut Past) -> Result<()> {
    let (campaigns, _) = past.app.read_now(|reader| lists::campaigns(reader, None, 20))?;
    let now = past.now();
    for campaign in campaigns {
        let waited = now.since(campaign.opened_at) >= REVIEWERS_WAIT;
        if campaign.state == CampaignState::Active && waited {
            for reviewer in past.cast.iter().map(|actor| actor.username).collect::<Vec<_>>() {
                let answers = kept(past, reviewer, &campaign.id)?;
                if !answers.is_empty() {
                    draft(past, reviewer, &campaign.id, &answers)?;
                    let caller = past.at_work(reviewer)?;
                    deciding::sign_off(&past.app, &caller, &campaign.id, None)?;
                }
            }
        }
    }
    Ok(())
}

/// An answer "keep" for each item that waits for somebody.
fn kept(past: &Past, reviewer: &str, campaign: &CampaignId) -> Result<Vec<Answer>> {
    let narrow = Narrow { state: Some(ItemState::Pending), reviewer: Some(past.id_of(reviewer)?) };
    let (items, _) = past.app.read_now(|reader| lists::items(reader, campaign, &narrow, None, 200))?;
    let keep = |item| Answer {
        item,
        decision: Some(Decision::Keep),
        reason: Some("Still needed for the work".to_owned()),
        keep_until: None,
    };
    Ok(items.into_iter().map(|item| keep(item.id)).collect())
}

fn draft(past: &mut Past, who: &str, campaign: &CampaignId, answers: &[Answer]) -> Result<()> {
    let reviewer = past.at_work(who)?;
    past.app.write_now(&reviewer, |tx| deciding::draft(tx, campaign, answers)).map(drop)
}

/// The officer stops the plan of the docks for a day.
fn stop_and_lift(past: &mut Past) -> Result<()> {
    let nadia = past.at_work(OFFICER)?;
    let why = "The plan showed lorries of another firm";
    let pulled = past.app.write_now(&nadia, |tx| kill_switches::pull(tx, "warehouse/dock-plan", why))?;
    past.advance(Duration::hours(20))?;
    let nadia = past.at_work(OFFICER)?;
    past.app.write_now(&nadia, |tx| kill_switches::lift(tx, &pulled.value.id)).map(drop)
}

/// Somebody who leaves.
struct Departure<'a> {
    who: &'a str,
    by: &'a str,
    /// How long after the news.
    after: Duration,
}

fn report(past: &mut Past, departure: &Departure<'_>, reason: &str) -> Result<()> {
    let manager = past.at_work(departure.by)?;
    let leaver = NewLeaver {
        account: past.account(departure.who)?,
        effective_at: past.now().plus(departure.after),
        reason: reason.to_owned(),
        confidential: false,
    };
    let begun = past.app.write_now(&manager, |tx| leavers::report(tx, &leaver))?;
    leavers::process(&past.app, &Caller::house("leavers.run"), &begun.value.id).map(drop)
}

/// What a visitor finds unfinished.
fn what_is_under_way(past: &mut Past, desks: &[Desk; 2]) -> Result<()> {
    let end = past.until().minus(JUST_NOW);
    let after = end.since(past.now()) - Duration::hours(6);
    let soon = Departure { who: LEAVER, by: MANAGER, after };
    report(past, &soon, "goes back to college")?;
    let later = team(past, "lena.hoffmann")?.into_iter().next().unwrap_or_default();
    let later = Departure { who: &later, by: "lena.hoffmann", after: Duration::days(20) };
    report(past, &later, "has found work nearer home")?;
    past.come_to(3, |past| a_day_of_work(past, desks))?;
    open_campaign(past)?;
    past.come_to(1, |past| a_day_of_work(past, desks))?;
    ask(past, EMPLOYEE, "orders/phone-reader", "14d", "Calls buyers whose parcels came back")?;
    ask(past, "elena.wozniak", "orders/refund-releaser", "30d", "Stands in over Christmas")?;
    let nadia = past.at_work(OFFICER)?;
    let why = "Last week's figures are wrong";
    past.app.write_now(&nadia, |tx| kill_switches::pull(tx, "orders/delivery-figures", why))?;
    past.come_to_instant(end, |past| a_day_of_work(past, desks))
}

/// A review by hand, of which the manager has drafted a part.
fn open_campaign(past: &mut Past) -> Result<()> {
    let dmitri = past.at_work(ADMINISTRATOR)?;
    let scope = CampaignScope { app: Some("orders".to_owned()), ..CampaignScope::default() };
    let due_at = past.now().plus(Duration::days(10));
    let wanted = NewCampaign::by_hand("Order desk before the peak", scope, due_at, past.now())?;
    let campaign = opening::open(&past.app, &dmitri, &wanted)?.value;
    past.advance(Duration::hours(5))?;
    let mut answers = kept(past, MANAGER, &campaign.id)?;
    answers.truncate(3);
    if let Some(first) = answers.first_mut() {
        first.decision = Some(Decision::Revoke);
        first.reason = Some("Has not used it for weeks".to_owned());
    }
    draft(past, MANAGER, &campaign.id, &answers)
}
