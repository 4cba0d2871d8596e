//! Why a sign-in by an identity provider is refused: a word for the log, and what the person is told.
//!
//! Rule: what depends on who somebody is has one and the same page. May call: nothing.

crate::text_enum! {
    /// Why it was refused.
    pub enum Refusal {
        /// The provider itself said no.
        ProviderRefused = "provider_refused",
        /// It does not answer as it should.
        ProviderFailed = "provider_failed",
        /// What came back belongs to no sign-in that this browser began here, or its time is over.
        Unknown = "unknown_attempt",
        /// What came back was used before.
        Replayed = "replayed",
        /// It came back by another provider than the one it was begun with.
        MixedUp = "mixed_up",
        /// The code was not taken by the provider.
        CodeRefused = "code_refused",
        /// The token cannot be read, or is no ID token.
        TokenUnreadable = "token_unreadable",
        /// It is not signed, or in a way that is not allowed.
        AlgorithmRefused = "algorithm_refused",
        /// It is signed by a key that the provider does not publish.
        KeyUnknown = "key_unknown",
        /// The signature is wrong.
        SignatureWrong = "signature_wrong",
        /// It is of another issuer.
        IssuerWrong = "issuer_wrong",
        /// It is for somebody else.
        AudienceWrong = "audience_wrong",
        /// It belongs to another sign-in.
        NonceWrong = "nonce_wrong",
        /// Its time is over or has not come.
        TimeWrong = "time_wrong",
        /// At a shared workstation: the provider did not ask anew who stands there.
        NotAskedAnew = "not_asked_anew",
        /// It does not belong to the access token that came with it.
        TokensDiffer = "tokens_differ",
        /// A claim that this house asks for is missing, or says something else.
        ClaimMissing = "claim_missing",
        /// The subject is nobody known here.
        NobodyKnown = "nobody_known",
        /// The person has another subject at this provider already, or the subject another person.
        OtherSubject = "other_subject",
        /// The link in hand has ended.
        LinkEnded = "link_ended",
        /// The account is not in use.
        NotInUse = "not_in_use",
        /// No second factor, neither there nor here.
        FactorMissing = "factor_missing",
        /// An account could not be made.
        AccountNotMade = "account_not_made",
        /// The session that asked for a proof is over, or it is not the one that comes back.
        SessionOver = "session_over",
        /// When a factor was shown there is not said, or it was before it was asked for.
        ProofOld = "proof_old",
    }
}

impl Refusal {
    /// Whether it is about who somebody is: then nothing more is said than whom to ask.
    pub fn is_about_the_person(self) -> bool {
        matches!(
            self,
            Self::ClaimMissing
                | Self::NobodyKnown
                | Self::OtherSubject
                | Self::LinkEnded
                | Self::NotInUse
                | Self::FactorMissing
                | Self::AccountNotMade
        )
    }
}

crate::text_enum! {
    /// What is the matter with a provider that does not answer as it should.
    pub enum Trouble {
        /// It cannot be reached.
        Unreachable = "unreachable",
        /// It took too long.
        TooSlow = "too_slow",
        /// Its answer is too large.
        TooLarge = "too_large",
        /// Its answer is not what it should be.
        Unreadable = "unreadable",
        /// It calls itself by another issuer than the one configured.
        OtherIssuer = "other_issuer",
        /// It publishes no key to sign with.
        NoKeys = "no_keys",
        /// Too many ask it at this moment.
        Busy = "busy",
    }
}
