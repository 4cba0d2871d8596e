//! The reviewer's list: riskiest first, drafts in pencil, signing in ink. Works without JavaScript. What it
//! sends back is taken in `answers`.

mod answers;

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web;
use chrono::Days;
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

pub use answers::{drafts_form, revocation_form, sign_off_form};

use super::super::super::lists::{self, CampaignView, Narrow};
use super::super::super::{Authority, Decision, Item, Recommendation, Used};
use super::super::sees_all;
use super::{SHOWN, day, item_standing, name_of_actor, pager, scope_words};
use crate::access::catalogue::Class;
use crate::access::words::{self, RoleWords, Words};
use crate::access::{collisions, grants};
use crate::accounts;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::exceptions::own::{self, Matter};
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page};
use crate::ids::{AccountId, CampaignId, ItemId};
use crate::vault;

/// A reviewer decides about one item in so many seconds, from what reviewers say elsewhere.
const SECONDS_AN_ITEM: u64 = 30;

/// Which part of the list, and which item is open.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct View {
    view: Option<String>,
    item: Option<ItemId>,
    cursor: Option<String>,
    done: Option<u64>,
    waits: Option<u64>,
}

/// What a sign-off brought about, in words: decisions about oneself take effect later, if at all.
fn signed_words(done: u64, waits: u64) -> String {
    let waiting = match waits {
        0 => "",
        1 => " One is about yourself: it waits a day, in which anybody may object.",
        _ => " Some are about yourself: they wait a day, in which anybody may object.",
    };
    match done {
        0 if waits > 0 => format!("Signed.{waiting}"),
        _ => format!("{done} decided. What was revoked is refused from now on.{waiting}"),
    }
}

/// `GET /reviews/{id}`.
///
/// # Errors
/// 404.
pub async fn show(
    app: web::Data<App>,
    page: Page,
    id: web::Path<CampaignId>,
    view: web::Query<View>,
) -> Answer {
    bench(&app, &page, id.into_inner(), view.into_inner(), None).await
}

async fn bench(app: &App, page: &Page, id: CampaignId, view: View, problem: Option<String>) -> Answer {
    let caller = page.caller.clone();
    let house = app.clone();
    let mut context = app.read(move |reader| context(&house, reader, &caller, &id, &view)).await?;
    let refused = problem.is_some();
    context["problem"] = json!(problem);
    let mut answer = page.render("reviews/workbench.html", context)?;
    if refused {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

fn context(
    app: &App,
    reader: &mut Reader<'_>,
    caller: &Caller,
    id: &CampaignId,
    view: &View,
) -> Result<Value> {
    let me = caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let campaign = lists::view(reader, id)?;
    let all = view.view.as_deref() == Some("all") && sees_all(app, caller);
    let narrow = Narrow { state: None, reviewer: (!all).then(|| me.clone()) };
    let (items, next) = lists::items(reader, id, &narrow, view.cursor.as_deref(), SHOWN)?;
    let progress = lists::progress(reader, id, narrow.reviewer.as_ref())?;
    let key = if all { "all" } else { "risk" };
    let path = if all { format!("/reviews/{id}?view=all") } else { format!("/reviews/{id}") };
    let zone = app.organisation().time_zone;
    let detail = chosen(&items, view)
        .map(|(item, chosen)| detail(app, reader, item, chosen, &me, zone))
        .transpose()?;
    Ok(json!({
        "done": view.done.map(|count| json!({ "text": signed_words(count, view.waits.unwrap_or(0)), "revision": campaign.revision })),
        "campaign": {
            "id": campaign.id, "name": campaign.name, "scope": scope_words(&campaign.scope),
            "due_at": campaign.due_at, "closed_at": campaign.closed_at,
        },
        "silence": { "words": "Silence is an answer: what nobody decides is suspended at the end.", "clauses": ["E8.1", "E8.2"] },
        "progress": {
            "signed": progress.decided, "drafted": progress.drafted, "open": progress.open,
            "minutes": (progress.open > 0).then(|| (progress.open * SECONDS_AN_ITEM).div_ceil(60)),
        },
        "view": key,
        "views": views(app, caller, &campaign, all),
        "groups": groups(app, reader, &items, &me, &path)?,
        "detail": detail,
        "drafts": drafts(&lists::drafts(reader, id, &me)?),
        "pages": pager(&path, items.len(), Some(progress.items), view.cursor.as_ref(), next),
    }))
}

fn views(app: &App, caller: &Caller, campaign: &CampaignView, all: bool) -> Vec<Value> {
    let path = format!("/reviews/{}", campaign.id);
    let mut views =
        vec![json!({ "href": path, "label": "Waits for me, by risk", "count": null, "current": !all })];
    if sees_all(app, caller) {
        let count = campaign.progress.items;
        views.push(json!({ "href": format!("{path}?view=all"), "label": "Everybody’s", "count": count, "current": all }));
    }
    views
}

/// The item whose details are open: the one asked for, else the first that is open.
fn chosen<'a>(items: &'a [Item], view: &View) -> Option<(&'a Item, bool)> {
    if let Some(asked) = view.item.as_ref().and_then(|id| items.iter().find(|item| item.id == *id)) {
        return Some((asked, true));
    }
    items.iter().find(|item| item.state.is_open()).map(|item| (item, false))
}

fn groups(
    app: &App,
    reader: &mut Reader<'_>,
    items: &[Item],
    me: &AccountId,
    path: &str,
) -> Result<Vec<Value>> {
    let heads = [
        (Class::Pii, "Customers’ data", "one by one: keeping needs your reason"),
        (Class::Regulated, "Regulated information", ""),
        (Class::Internal, "Everything else", ""),
    ];
    let (mut words, jobs) = (Words::default(), jobs(reader, items)?);
    let mut groups = Vec::new();
    for (class, title, note) in heads {
        let mut rows = Vec::new();
        for item in items.iter().filter(|item| item.class == class) {
            let said = words.of_id(reader, &item.role)?;
            let job = jobs.get(&item.account).cloned().unwrap_or_default();
            rows.push(row(app, item, said, job, me, path));
        }
        if rows.is_empty() {
            continue;
        }
        groups.push(json!({ "title": title, "note": note, "items": rows }));
    }
    Ok(groups)
}

/// What the people of these items work as; of services the username says what they are.
fn jobs(reader: &mut Reader<'_>, items: &[Item]) -> Result<BTreeMap<AccountId, String>> {
    let ids: Vec<AccountId> = items.iter().map(|item| item.account.clone()).collect();
    let named = accounts::named(reader, &ids)?.into_iter();
    Ok(named
        .map(|found| (found.account.id, found.details.job_title.unwrap_or(found.details.username)))
        .collect())
}

fn row(app: &App, item: &Item, said: RoleWords, job: String, me: &AccountId, path: &str) -> Value {
    let mine = item.reviewer.as_ref() == Some(me) && item.state.is_open();
    let advice = advice(item);
    json!({
        "id": item.id,
        "href": format!("{path}{}item={}", if path.contains('?') { "&" } else { "?" }, item.id),
        "person": app.directory().display_name(&item.account),
        "job": job,
        "role": said.name,
        "application": said.application,
        "scope": item.scope.as_ref().map(words::scope),
        "class": item.class,
        "used": used(item, app.context().clock.now()),
        "advice": advice,
        "verdict": item.draft.as_ref().map(|draft| verdict_word(draft.decision)),
        "note": note(item),
        "note_due": item.draft.is_some() && lacks_reason(item),
        // Customers' data is decided one by one; nobody selects it in bulk.
        "selectable": mine && item.class != Class::Pii && item.recommendation == Recommendation::Keep,
        "decided": (!mine).then(|| item_standing(item)),
    })
}

fn verdict_word(decision: Decision) -> &'static str {
    match decision {
        Decision::Keep => "keep",
        Decision::KeepUntil => "until",
        Decision::Revoke => "revoke",
    }
}

fn note(item: &Item) -> Option<&'static str> {
    let draft = item.draft.as_ref()?;
    Some(match (draft.reason.is_some(), lacks_reason(item)) {
        (true, _) => "Draft, reason given",
        (false, true) => "Draft, needs a reason",
        (false, false) => "Draft",
    })
}

fn lacks_reason(item: &Item) -> bool {
    item.draft
        .as_ref()
        .is_some_and(|draft| draft.reason.is_none() && needs_reason(item, draft.decision).is_some())
}

fn needs_reason(item: &Item, decision: Decision) -> Option<&'static str> {
    let keeps = decision != Decision::Revoke;
    match () {
        () if item.authority == Authority::Subject => Some("Deciding about yourself needs a reason."),
        () if keeps && item.class == Class::Pii => Some("Keeping access to customers’ data needs a reason."),
        () if keeps && item.recommendation == Recommendation::Revoke => {
            Some("Keeping it against the advice needs a reason.")
        }
        () => None,
    }
}

fn used(item: &Item, now: Timestamp) -> Value {
    match (item.used, item.used_at) {
        (Used::On, Some(at)) => match now.since(at).num_days() {
            0 => json!({ "words": "Today", "second": "" }),
            1 => json!({ "words": "Yesterday", "second": "" }),
            days => json!({ "words": format!("{days} days ago"), "second": "" }),
        },
        (Used::Never, _) => json!({ "words": "Never", "second": "since it was given" }),
        _ => json!({ "words": "Unknown", "second": "not reported" }),
    }
}

fn advice(item: &Item) -> Value {
    let (kind, words, why) = match (item.recommendation, item.used) {
        (Recommendation::Revoke, Used::Never) => ("revoke", "Revoke", "Not once used"),
        (Recommendation::Revoke, _) => ("revoke", "Revoke", "Unused for 90 days"),
        (Recommendation::Keep, Used::On) => ("keep", "Keep", "In use"),
        (Recommendation::Keep, _) => ("keep", "Keep", "Given lately"),
        (Recommendation::None, _) => ("none", "No advice", "Use cannot be seen"),
    };
    json!({ "kind": kind, "words": words, "why": why })
}

fn drafts(items: &[Item]) -> Value {
    let count = |decision: Decision| {
        items
            .iter()
            .filter(|item| item.draft.as_ref().is_some_and(|draft| draft.decision == decision))
            .count()
    };
    let (keep, until, revoke) = (count(Decision::Keep), count(Decision::KeepUntil), count(Decision::Revoke));
    let unready = items.iter().filter(|item| lacks_reason(item)).count();
    json!({ "count": keep + until + revoke, "keep": keep, "until": until, "revoke": revoke, "unready": unready })
}

fn detail(
    app: &App,
    reader: &mut Reader<'_>,
    item: &Item,
    chosen: bool,
    me: &AccountId,
    zone: Tz,
) -> Result<Value> {
    let grant = grants::find(reader, &item.grant)?;
    let now = reader.now;
    let mut form = Form::default();
    if let Some(draft) = &item.draft {
        if let Some(reason) = &draft.reason {
            form.values.insert(format!("reason-{}", item.id), vault::show(reader, reason)?);
        }
        if let Some(until) = draft.until {
            // The grant ends at midnight: the day that people read is the one before.
            let last = day(until, zone).pred_opt().unwrap_or_default();
            form.values.insert(format!("until-{}", item.id), last.to_string());
        }
    }
    let today = day(now, zone);
    let said = Words::default().of_id(reader, &item.role)?;
    let mut advice = advice(item);
    advice["as_of"] = json!(now);
    advice["clauses"] = json!([]);
    let window = own::waiting(reader, Matter::ReviewItem, item.id.as_str())?;
    let mut facts = facts(app, reader, &grant, zone)?;
    if let Some(window) = &window {
        let at = window.effective_at.utc().with_timezone(&zone).format("%-d %b %Y, %H:%M");
        let value = format!("decided by the person themselves; takes effect {at} unless somebody objects");
        facts.insert(0, json!({ "term": "Waits", "value": value }));
    }
    Ok(json!({
        "item": item.id,
        "chosen": chosen,
        "mine": item.reviewer.as_ref() == Some(me) && item.state.is_open() && window.is_none(),
        "place": said.application,
        "revision": item.grant_revision,
        "person": app.directory().display_name(&item.account),
        "role": said.name,
        "class": item.class,
        "verdict": item.draft.as_ref().map(|draft| verdict_word(draft.decision)),
        "advice": advice,
        "form": form,
        "needs_reason": needs_reason(item, Decision::Keep),
        "first_day": today.to_string(),
        "last_day": grant.expires_at.map_or(today.checked_add_days(Days::new(365)).unwrap_or(today), |end| day(end, zone)).to_string(),
        "path": said.lets.into_iter().collect::<Vec<_>>(),
        "weeks": null,
        "facts": facts,
        "if_revoked": "The next question about this role is answered no. Nothing else of theirs changes.",
        "history": history(app, item),
    }))
}

fn facts(app: &App, reader: &mut Reader<'_>, grant: &grants::Grant, zone: Tz) -> Result<Vec<Value>> {
    let day_of = |at: Timestamp| day(at, zone).format("%-d %b %Y").to_string();
    let mut facts = vec![json!({ "term": "Given", "value": day_of(grant.created_at) })];
    if !grant.approvers.is_empty() {
        let names: Vec<_> = grant.approvers.iter().map(|id| app.directory().display_name(id)).collect();
        facts.push(json!({ "term": "Approved by", "value": names.join(", ") }));
    }
    if let Some(reason) = &grant.reason {
        facts.push(json!({ "term": "Reason", "value": vault::show(reader, reason)? }));
    }
    let ends = grant.expires_at.map_or_else(|| "with the job".to_owned(), day_of);
    facts.push(json!({ "term": "Ends", "value": ends }));
    for collision in collisions::of(reader, &grant.account)? {
        if !collision.roles.contains(&grant.role) {
            continue;
        }
        let others = collision.roles.iter().filter(|role| **role != grant.role);
        let other = others.cloned().collect::<Vec<_>>().join(", ");
        let by =
            if collision.allowed { "allowed by an exception" } else { "no exception allows it any more" };
        facts.push(
            json!({ "term": "Excluded with", "value": format!("{other}, {by}: {}", collision.reason) }),
        );
    }
    Ok(facts)
}

fn history(app: &App, item: &Item) -> Vec<Value> {
    let mut history = Vec::new();
    if let Some((at, revision)) = item.verified {
        history
            .push(json!({ "at": at, "text": "Seen to be gone", "note": format!("at revision {revision}") }));
    }
    if let Some(decided) = &item.decided {
        history.push(json!({ "at": decided.at, "text": format!("Decided by {}", name_of_actor(app, &decided.by)), "note": null }));
    }
    history
}
