//! What the reviewer's list sends back: drafts, signing, "revoke now".

use std::collections::BTreeMap;

use actix_web::web;
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Deserialize;

use super::{View, bench, verdict_word};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::{Timestamp, end_of_day};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::{Answer, Page, see_other};
use crate::ids::{AccountId, CampaignId, ItemId};
use crate::reviews::deciding::{self, Answer as ItemAnswer, Outcome};
use crate::reviews::{Decision, lists};

/// `POST /reviews/{id}/drafts`: any number of answers, a bulk answer, or all drafts taken back.
///
/// # Errors
/// 404; what was refused is said on the page.
pub async fn drafts_form(
    app: web::Data<App>,
    page: Page,
    caller: Caller,
    id: web::Path<CampaignId>,
    form: web::Form<Vec<(String, String)>>,
) -> Answer {
    let id = id.into_inner();
    let view = view_of(&form);
    let answers = match answers(&app, &caller, &id, form.into_inner()).await {
        Ok(answers) => answers,
        Err(error @ Error::Invalid(_)) => return bench(&app, &page, id, view, Some(error.to_string())).await,
        Err(error) => return Err(error.into()),
    };
    let campaign = id.clone();
    let done = app.write(&caller, move |tx| deciding::draft(tx, &campaign, &answers)).await?;
    match refusals(&done.value) {
        Some(problem) => bench(&app, &page, id, view, Some(problem)).await,
        None => see_other(&back(&id, &view)),
    }
}

fn view_of(form: &[(String, String)]) -> View {
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    View { view: field("view"), item: field("item").and_then(|id| ItemId::parse(&id)), ..View::default() }
}

fn back(id: &CampaignId, view: &View) -> String {
    let mut parts = Vec::new();
    if view.view.as_deref() == Some("all") {
        parts.push("view=all".to_owned());
    }
    if let Some(item) = &view.item {
        parts.push(format!("item={item}"));
    }
    if let Some(done) = view.done {
        parts.push(format!("done={done}"));
    }
    if let Some(waits) = view.waits.filter(|waits| *waits > 0) {
        parts.push(format!("waits={waits}"));
    }
    let query = if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) };
    format!("/reviews/{id}{query}")
}

fn refusals(outcomes: &[Outcome]) -> Option<String> {
    let texts: Vec<_> =
        outcomes.iter().flat_map(|outcome| &outcome.errors).map(|error| error.detail.clone()).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

/// The answers in a form: those that differ from what is drafted, plus bulk, withdrawal and discard.
async fn answers(
    app: &App,
    caller: &Caller,
    id: &CampaignId,
    form: Vec<(String, String)>,
) -> Result<Vec<ItemAnswer>> {
    let me = caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let zone = app.organisation().time_zone;
    let mut typed: BTreeMap<ItemId, Typed> = BTreeMap::new();
    let (mut bulk, mut bulk_reason, mut discard) = (None, None, false);
    let mut selected = Vec::new();
    for (key, value) in form {
        let (kind, item) = match key.split_once('-') {
            Some((kind, item)) => (kind, ItemId::parse(item)),
            None => (key.as_str(), None),
        };
        match (kind, item) {
            ("verdict", Some(item)) => typed.entry(item).or_default().verdict = Some(value),
            ("reason", Some(item)) => typed.entry(item).or_default().reason = Some(value),
            ("until", Some(item)) => typed.entry(item).or_default().until = Some(value),
            ("withdraw", None) => {
                if let Some(item) = ItemId::parse(&value) {
                    typed.entry(item).or_default().verdict = Some(String::new());
                }
            }
            ("selected", None) => selected.extend(ItemId::parse(&value)),
            ("bulk", None) => bulk = Some(value),
            ("bulk_reason", None) => bulk_reason = Some(value),
            ("discard", None) => discard = true,
            _ => {}
        }
    }
    if let Some(verdict) = bulk {
        for item in selected {
            let one = Typed { verdict: Some(verdict.clone()), reason: bulk_reason.clone(), until: None };
            typed.insert(item, one);
        }
    }
    let id = id.clone();
    app.read(move |reader| changed(reader, &id, &me, zone, typed, discard)).await
}

/// What a form says about one item.
#[derive(Debug, Default, Clone)]
struct Typed {
    verdict: Option<String>,
    reason: Option<String>,
    until: Option<String>,
}

fn changed(
    reader: &mut Reader<'_>,
    id: &CampaignId,
    me: &AccountId,
    zone: Tz,
    typed: BTreeMap<ItemId, Typed>,
    discard: bool,
) -> Result<Vec<ItemAnswer>> {
    if discard {
        let drafts = deciding::own_drafts(reader, id, me.clone(), None)?;
        let take_back = |item| ItemAnswer { item, decision: None, reason: None, keep_until: None };
        return Ok(drafts.into_iter().take(deciding::MOST).map(take_back).collect());
    }
    let mut answers = Vec::new();
    for (item, typed) in typed {
        let known = lists::item(reader, id, &item)?;
        let before = known.draft.as_ref().map(|draft| verdict_word(draft.decision));
        let verdict = typed.verdict.as_deref().or(before).unwrap_or_default();
        let says_more = typed.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty());
        let same = Some(verdict) == before || (verdict.is_empty() && before.is_none());
        if !known.state.is_open() || (same && !says_more && typed.until.is_none()) {
            continue;
        }
        if verdict.is_empty() && before.is_none() {
            continue;
        }
        answers.push(ItemAnswer {
            decision: decision(verdict)?,
            keep_until: if verdict == "until" { Some(until(zone, typed.until.as_deref())?) } else { None },
            reason: typed.reason,
            item,
        });
    }
    Ok(answers)
}

fn decision(verdict: &str) -> Result<Option<Decision>> {
    match verdict {
        "" => Ok(None),
        "keep" => Ok(Some(Decision::Keep)),
        "until" => Ok(Some(Decision::KeepUntil)),
        "revoke" => Ok(Some(Decision::Revoke)),
        _ => Err(Error::field("verdict", "must be keep, until or revoke")),
    }
}

/// The end of a day as people mean it: 24:00, the next day's first instant.
fn until(zone: Tz, text: Option<&str>) -> Result<Timestamp> {
    let day = text.and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).ok_or_else(|| {
        Error::field("until", "say until which day it is to stay: open the details of the item")
    })?;
    Ok(end_of_day(zone, day))
}

/// `POST /reviews/{id}/sign-off`.
///
/// # Errors
/// 404; what came back is said on the page.
pub async fn sign_off_form(
    app: web::Data<App>,
    page: Page,
    caller: Caller,
    id: web::Path<CampaignId>,
) -> Answer {
    let id = id.into_inner();
    let campaign = id.clone();
    let signed = app.to_its_end(move |app| deciding::sign_off(app, &caller, &campaign, None)).await?.value;
    match refusals(&signed.returned) {
        Some(problem) => bench(&app, &page, id, View::default(), Some(problem)).await,
        None => {
            let view = View { done: Some(signed.applied), waits: Some(signed.waiting), ..View::default() };
            see_other(&back(&id, &view))
        }
    }
}

/// The form of "revoke now".
#[derive(Debug, Deserialize)]
pub struct RevocationForm {
    #[serde(default)]
    reason: String,
}

/// `POST /reviews/{id}/items/{item}/revocation`.
///
/// # Errors
/// 404, 403, 409 as for callers; a reason that does not do is said on the page.
pub async fn revocation_form(
    app: web::Data<App>,
    page: Page,
    caller: Caller,
    path: web::Path<(CampaignId, ItemId)>,
    form: web::Form<RevocationForm>,
) -> Answer {
    let (id, item) = path.into_inner();
    let reason = Some(form.into_inner().reason).filter(|reason| !reason.trim().is_empty());
    let (campaign, one) = (id.clone(), item.clone());
    let done = app
        .to_its_end(move |app| deciding::revoke_now(app, &caller, &campaign, &one, reason.as_deref()))
        .await;
    match done {
        Ok(_) => see_other(&back(&id, &View { done: Some(1), ..View::default() })),
        Err(error @ Error::Invalid(_)) => {
            let view = View { item: Some(item), ..View::default() };
            bench(&app, &page, id, view, Some(error.to_string())).await
        }
        Err(error) => Err(error.into()),
    }
}
