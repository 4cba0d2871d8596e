//! The table of all parameters: name, order and units.
//!
//! Rule: it holds no value, and so no number of a policy: values stand in `policies/profiles`. The lists of words are
//! what a value may say, strictest first where their order matters. Pure; calls `order`.

use super::order::Order::{
    self, Bounded, Conditions, Earliest, Fewer, Intersection, Longer, LowerThreshold, More, MoreBits,
    MoreOften, On, OneList, Shorter, ShorterEach, Union, Written, WrittenEach,
};

/// What is known about a parameter whatever a profile says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Specification {
    /// The name, `group.parameter`.
    pub name: &'static str,
    /// Which of two values is stricter.
    pub order: Order,
    /// The units in which it may be written.
    pub units: &'static [&'static str],
}

const SCENARIOS: &[&str] =
    &["interruption", "degradation", "unauthorised-access", "database-hacking", "leakage"];
const CLEARING: &[&str] =
    &["by-hand", "administrator", "anomaly-resolved", "older-than-retention", "two-persons"];
const FORBIDDEN_STORAGE: &[&str] = &[
    "removable-media",
    "external-media",
    "personal-devices",
    "public-links",
    "unsecured-cloud",
    "unsecured-public-cloud",
];

/// All parameters, by name.
pub const ALL: &[Specification] = &[
    entry("alarm.canary_access", On, &["on/off"]),
    entry("alarm.repeated_lock", LowerThreshold, &["threshold"]),
    entry("alarm.request_rate", LowerThreshold, &["threshold"]),
    entry("alarm.retrieval_volume", LowerThreshold, &["threshold"]),
    entry("alarm.unauthorised_calls", LowerThreshold, &["threshold"]),
    entry("api_key.max_age", Shorter, &["months"]),
    entry("channels.plaintext", Written(&["refused", "allowed"]), &["choice"]),
    entry(
        "channels.untrusted_termination",
        WrittenEach(&["others", "itself"], &["refused", "message-encrypted"]),
        &["choice"],
    ),
    entry("crypto.at_rest_bits", MoreBits(&[128, 192, 256]), &["AES key bits"]),
    entry("crypto.key_hosting", Written(&["private", "any"]), &["choice"]),
    entry("deletion.live_within", Shorter, &["days"]),
    entry("deletion.within", Shorter, &["hours"]),
    entry("grant.max_duration", ShorterEach(&["ordinary", "access_role"]), &["days"]),
    entry("incident.contact_named", On, &["on/off"]),
    entry("incident.guidelines", Union(&["nist-sp-800-61", "nist-sp-800-88"]), &["set"]),
    entry("incident.notify_start", Written(&["detection", "confirmation"]), &["event"]),
    entry("incident.notify_to", OneList, &["addresses"]),
    entry("incident.notify_within", Shorter, &["hours"]),
    entry("incident_plan.on_change", Union(&["review", "verify", "before-the-cadence"]), &["set"]),
    entry("incident_plan.review_every", Shorter, &["days", "months"]),
    entry("incident_plan.scenarios", Union(SCENARIOS), &["set"]),
    entry("incident_plan.verify_every", Shorter, &["months"]),
    entry("inventory.update_every", Shorter, &["months"]),
    entry("leaver.start", Written(&["effective-time"]), &["event"]),
    entry("leaver.within", Shorter, &["hours"]),
    entry("lockout.anomaly", On, &["on/off"]),
    entry("lockout.duration", Bounded, &["minutes"]),
    entry("lockout.known_devices", Written(&["off", "with-mfa", "on"]), &["choice"]),
    entry("lockout.max_failures", Fewer, &["attempts"]),
    entry("log.clearing", Conditions(CLEARING), &["choice"]),
    entry("log.file_every", Shorter, &["days"]),
    entry("log.retention", Longer, &["days", "months"]),
    entry("log.review_every", Shorter, &["days"]),
    entry("lwa_secret.max_age", Shorter, &["days"]),
    entry("mfa.required_for", Union(&["all", "administrators"]), &["set of accounts"]),
    entry(
        "network.controls",
        Union(&["firewall", "access-control-list", "segmentation", "intrusion-detection"]),
        &["set"],
    ),
    entry("network.public_access", Written(&["none", "approved-users"]), &["choice"]),
    entry("non_pii.retention", Shorter, &["months"]),
    entry("password.forbid_name_parts", On, &["on/off"]),
    entry("password.history", More, &["passwords"]),
    entry("password.max_age", Shorter, &["days"]),
    entry("password.min_age", Longer, &["days"]),
    entry("password.min_digits", More, &["count"]),
    entry("password.min_length", More, &["characters"]),
    entry("password.min_lower", More, &["count"]),
    entry("password.min_special", More, &["count"]),
    entry("password.min_upper", More, &["count"]),
    entry("pii.archive", Written(&["forbidden", "cold-only", "where-law-requires"]), &["choice"]),
    entry("pii.download", Written(&["refused", "allowed"]), &["choice"]),
    entry("pii.hosting", Written(&["private", "any"]), &["choice"]),
    entry("pii.printing", Intersection(&["despatch-labels"]), &["allowed set"]),
    entry("pii.purposes", Intersection(&["fulfilment", "tax"]), &["allowed set"]),
    entry("pii.retention", Shorter, &["days"]),
    entry("pii.retention_exception", Intersection(&["tax", "legal-requirement"]), &["allowed set"]),
    entry("pii.retention_start", Earliest(&["shipment", "fulfilment", "delivery"]), &["event"]),
    entry("records.keep_after_agreement", Longer, &["months"]),
    entry("review.cadence", Shorter, &["days", "calendar months"]),
    entry("review.external_reviewers", Written(&["refused", "allowed"]), &["choice"]),
    entry("risk_review.every", Shorter, &["months"]),
    entry("scan.code_before_release", On, &["on/off"]),
    entry("scan.every", MoreOften, &["days"]),
    entry("scan.pentest_every", Shorter, &["days"]),
    entry("storage.forbidden_amazon", Union(&["personal-devices", "removable-media"]), &["set"]),
    entry("storage.forbidden_pii", Union(FORBIDDEN_STORAGE), &["set"]),
    entry("training.max_age", Shorter, &["months"]),
    entry("training.subjects", Union(&["data-protection", "it-security"]), &["set"]),
    entry("transport.min_tls", Written(&["1.3", "1.2"]), &["version"]),
    entry("transport.protocol", Written(&["https", "encrypted"]), &["choice"]),
    entry("vendor_review.every", Shorter, &["months"]),
    entry("vulnerability.fix_within", ShorterEach(&["critical", "high"]), &["days by severity"]),
];

const fn entry(name: &'static str, order: Order, units: &'static [&'static str]) -> Specification {
    Specification { name, order, units }
}

/// The parameter with this name.
pub fn find(name: &str) -> Option<&'static Specification> {
    ALL.iter().find(|specification| specification.name == name)
}

/// The names of all parameters.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|specification| specification.name)
}
