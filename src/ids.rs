//! Identifiers: UUID version 7 as text, one type for each kind of thing, so that they cannot be mixed up.
//!
//! May call: `clock`, `entropy`.

use std::fmt;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};

use crate::clock::Timestamp;
use crate::entropy::{Entropy, random};

/// A new UUID version 7 (RFC 9562 §5.7) as text: time-ordered, with 74 random bits.
pub fn uuid_v7(now: Timestamp, entropy: &dyn Entropy) -> String {
    let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random::<10>(entropy)).into_uuid().to_string()
}

/// How a text is described to callers: what it is, its format, the words that it may be.
pub fn text_of(lines: &[&str], format: Option<&str>, words: Option<&[&str]>) -> RefOr<Schema> {
    let description = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description).filter(|text| !text.is_empty()))
        .format(format.map(|format| SchemaFormat::Custom(format.to_owned())))
        .enum_values(words.map(|words| words.iter().copied()))
        .into()
}

/// What every identifier type offers to generic code.
pub trait Id: Sized {
    /// Reads an identifier that came from outside. `None` unless it is a UUID; letters become small.
    fn parse(text: &str) -> Option<Self>;
    /// The identifier as text.
    fn as_str(&self) -> &str;
}

macro_rules! ids {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, AsExpression, FromSqlRow)]
        #[diesel(sql_type = Text)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new, unique identifier.
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(uuid_v7(now, entropy))
            }

            /// Reads an identifier that came from outside. `None` unless it is a UUID; letters become small.
            pub fn parse(text: &str) -> Option<Self> {
                if text.len() > 45 { return None; }
                uuid::Uuid::try_parse(text).ok().map(|id| Self(id.to_string()))
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Id for $name {
            fn parse(text: &str) -> Option<Self> {
                Self::parse(text)
            }
            fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("must be a UUID"))
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text_of(&[$($doc),*], Some("uuid"), None)
            }
        }

        impl utoipa::ToSchema for $name {}

        impl<DB> ToSql<Text, DB> for $name
        where
            DB: Backend,
            String: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.0.to_sql(out)
            }
        }

        impl<DB> FromSql<Text, DB> for $name
        where
            DB: Backend,
            String: FromSql<Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                String::from_sql(bytes).map(Self)
            }
        }
    )*};
}

ids! {
    /// One digital identity: of one person or one service, for ever.
    AccountId;
    /// One grant of a role to an account.
    GrantId;
    /// One request for access.
    RequestId;
    /// One review campaign.
    CampaignId;
    /// One item of a campaign.
    ItemId;
    /// One leaver's case.
    CaseId;
    /// One signed-in session.
    SessionId;
    /// One passkey of a person.
    PasskeyId;
    /// One shared workstation.
    WorkstationId;
    /// One challenge that a passkey is made for or shown to.
    CeremonyId;
    /// One API key of a service.
    KeyId;
    /// One kill switch that was pulled.
    KillSwitchId;
    /// One thing that another system says somebody has there.
    HoldingId;
    /// One task that a person carries out by hand in another system.
    TaskId;
    /// One alarm.
    AlarmId;
    /// One exception from a rule.
    ExceptionId;
    /// One decision of somebody about themselves.
    OwnDecisionId;
    /// One change of catalogues that waits for a second person.
    ProposalId;
    /// One thing that somebody has shown, such as a training.
    AttestationId;
    /// One mail.
    MailId;
    /// One way back in that is handed over in person.
    HandoverId;
    /// One text that a person typed, kept sealed.
    TextId;
}

/// Implements text storage for an enum that has `as_str(&self) -> &'static str` and `parse(&str) -> Option<Self>`
/// (derived here from the listed names), and JSON with the same words.
#[macro_export]
macro_rules! text_enum {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::diesel::expression::AsExpression, ::diesel::deserialize::FromSqlRow, ::serde::Serialize, ::serde::Deserialize)]
        #[diesel(sql_type = ::diesel::sql_types::Text)]
        $vis enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// Every value, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word used in the database, in JSON and on pages.
            pub fn as_str(&self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The value of a word; `None` if there is no such word.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::schema::Schema> {
                $crate::ids::text_of(&[], None, Some(&[$($text),*]))
            }
        }

        impl ::utoipa::ToSchema for $name {
            // Several slices have a `State` or a `Source`, each with words of its own.
            fn name() -> ::std::borrow::Cow<'static, str> {
                let module = module_path!().replace("bailiwick::", "").replace("::", ".");
                format!("{module}.{}", stringify!($name)).into()
            }
        }

        impl<DB> ::diesel::serialize::ToSql<::diesel::sql_types::Text, DB> for $name
        where
            DB: ::diesel::backend::Backend,
            str: ::diesel::serialize::ToSql<::diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut ::diesel::serialize::Output<'b, '_, DB>) -> ::diesel::serialize::Result {
                self.as_str().to_sql(out)
            }
        }

        impl<DB> ::diesel::deserialize::FromSql<::diesel::sql_types::Text, DB> for $name
        where
            DB: ::diesel::backend::Backend,
            String: ::diesel::deserialize::FromSql<::diesel::sql_types::Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> ::diesel::deserialize::Result<Self> {
                let text = <String as ::diesel::deserialize::FromSql<::diesel::sql_types::Text, DB>>::from_sql(bytes)?;
                Self::parse(&text).ok_or_else(|| format!(concat!("not a ", stringify!($name), ": {}"), text).into())
            }
        }
    };
}
