//! The pages of the register: every system in scope, and one application with its features and roles.

use actix_web::web;
use serde_json::{Value, json};

use crate::access::catalogue::{Application, Class, Role};
use crate::access::records::{ApplicationRecord, RoleRecord};
use crate::access::{grants, limits, roles};
use crate::app::App;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::{Answer, Page};

/// `GET /applications`. A catalogue has some tens of applications; they stand on one page.
///
/// # Errors
/// As the render.
pub async fn index(app: web::Data<App>, page: Page) -> Answer {
    let house = app.clone();
    let rows = app
        .read(move |reader| {
            let all = roles::applications(reader)?;
            all.iter().map(|record| list_row(&house, reader, record)).collect::<Result<Vec<_>>>()
        })
        .await?;
    let pages = json!({ "shown": rows.len(), "total": rows.len(), "first": null, "next": null });
    page.render(
        "applications/list.html",
        json!({ "total": rows.len(), "applications": rows, "proposals": app.proposals().proposals(), "pages": pages }),
    )
}

fn list_row(app: &App, reader: &mut Reader<'_>, record: &ApplicationRecord) -> Result<Value> {
    let specification = &record.specification;
    let own = roles::roles(reader, Some(&record.key))?;
    Ok(json!({
        "key": record.key,
        "name": specification.display_name(),
        "owner": owner(app, record),
        "environment": word(specification.environment)?,
        "integration": word(specification.integration)?,
        "class": highest(specification),
        "features": specification.features.len(),
        "roles": own.len(),
        "holders": holders(reader, Some(&record.key), None)?,
    }))
}

fn owner(app: &App, record: &ApplicationRecord) -> String {
    record.owner.as_ref().map(|owner| app.directory().display_name(owner)).unwrap_or_default()
}

/// The word that the catalogue has for a value, as people read it.
fn word(value: impl serde::Serialize) -> Result<String> {
    let value = serde_json::to_value(value).map_err(|cause| Error::internal("writing a word", cause))?;
    Ok(value.as_str().unwrap_or_default().replace('_', " "))
}

fn highest(application: &Application) -> Class {
    application.features.iter().map(crate::access::catalogue::Feature::class).max().unwrap_or_default()
}

/// How many grants of an application or role are not ended.
fn holders(reader: &mut Reader<'_>, app: Option<&str>, role: Option<&str>) -> Result<u64> {
    grants::count(reader, app, role)
}

/// `GET /applications/{key}`.
///
/// # Errors
/// 404 if it is not in force.
pub async fn show(app: web::Data<App>, page: Page, key: web::Path<String>) -> Answer {
    let house = app.clone();
    let context = app.read(move |reader| context(&house, reader, &key)).await?;
    page.render("applications/application.html", context)
}

fn context(app: &App, reader: &mut Reader<'_>, key: &str) -> Result<Value> {
    let record = roles::application(reader, key)?;
    let catalogue = roles::catalogue(reader, key)?;
    let own = roles::roles(reader, Some(key))?;
    let features: Vec<Value> = catalogue
        .features
        .iter()
        .map(|feature| {
            let opens = |role: &&Role| {
                catalogue.permissions_of(role).iter().any(|(opened, _)| *opened == feature.key)
            };
            let names: Vec<&str> = catalogue.roles.iter().filter(opens).map(Role::display_name).collect();
            json!({
                "key": feature.key, "name": feature.display_name(), "class": feature.class(),
                "actions": feature.actions, "roles": names,
            })
        })
        .collect();
    let routes: Vec<Value> = catalogue
        .routes
        .iter()
        .map(|route| {
            json!({
                "address": format!("{}{}", route.host, route.path), "methods": route.methods,
                "permission": format!("{}:{}", route.feature, route.action), "purpose": route.purpose,
            })
        })
        .collect();
    let shown = own.iter().map(|role| role_row(reader, &catalogue, role)).collect::<Result<Vec<_>>>()?;
    Ok(json!({
        "application": { "key": key, "name": catalogue.display_name(), "class": highest(&catalogue) },
        "facts": [
            { "term": "Owner", "value": owner(app, &record) },
            { "term": "Environment", "value": word(catalogue.environment)? },
            { "term": "How it is bound", "value": word(catalogue.integration)? },
            { "term": "Catalogue since", "value": record.changed_at.utc().format("%-d %b %Y").to_string() },
        ],
        "features": features,
        "roles": shown,
        "routes": routes,
    }))
}

fn role_row(reader: &mut Reader<'_>, catalogue: &Application, role: &RoleRecord) -> Result<Value> {
    let approval: Vec<String> = role.specification.approval.iter().map(ToString::to_string).collect();
    let profile = limits::profile_limit(reader, role.access_role);
    let longest = match role.specification.max_duration {
        Some(own) if own.longest_minutes() < profile.longest_minutes() => own,
        _ => profile,
    };
    let permissions: Vec<String> = catalogue
        .permissions_of(&role.specification)
        .into_iter()
        .map(|(feature, action)| format!("{feature}:{action}"))
        .collect();
    Ok(json!({
        "key": role.specification.key, "name": role.specification.display_name(), "text": null,
        "class": role.class, "access_role": role.access_role,
        "approval": if approval.is_empty() { "given at once".to_owned() } else { approval.join(", then ") },
        "longest": if role.comes_by_itself() { "as long as the position".to_owned() } else { longest.in_words() },
        "requires": role.specification.requires, "permissions": permissions,
        "holders": holders(reader, None, Some(&role.id))?,
    }))
}
