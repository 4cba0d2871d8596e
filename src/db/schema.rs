//! The tables, as diesel sees them: the one `table!` file. `tests/it/schema.rs` compares it with both databases.
#![expect(
    missing_docs,
    reason = "the columns are described where their rows are: in each slice's `store.rs`"
)]

diesel::table! {
    log_head (id) {
        id -> Integer,
        epoch -> Text,
        size -> BigInt,
        frontier -> Binary,
    }
}

diesel::table! {
    change_events (number) {
        number -> BigInt,
        at -> Timestamp,
        kind -> Text,
        actor -> Text,
        subject -> Nullable<Text>,
        body -> Text,
        leaf -> Binary,
    }
}

diesel::table! {
    log_roots (level, position) {
        level -> Integer,
        position -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    checkpoints (size) {
        size -> BigInt,
        at -> Timestamp,
        note -> Text,
    }
}

diesel::table! {
    nodes (id) {
        id -> Text,
        seen_at -> Timestamp,
        applied -> BigInt,
    }
}

diesel::table! {
    jobs (name) {
        name -> Text,
        due_at -> Timestamp,
        holder -> Nullable<Text>,
        held_until -> Nullable<Timestamp>,
        fence -> BigInt,
        ran_at -> Nullable<Timestamp>,
        report -> Nullable<Text>,
    }
}

diesel::table! {
    settings (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    vault_keys (id) {
        id -> Integer,
        purpose -> Text,
        wrapped -> Binary,
        created_at -> Timestamp,
        retired_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    texts (id) {
        id -> Text,
        sealed -> Binary,
        created_at -> Timestamp,
    }
}

diesel::table! {
    idempotency (digest) {
        digest -> Text,
        request_digest -> Text,
        holder -> Text,
        done -> Bool,
        status -> Nullable<Integer>,
        answer -> Nullable<Binary>,
        at -> Timestamp,
    }
}

diesel::table! {
    accounts (id) {
        id -> Text,
        kind -> Text,
        state -> Text,
        suspended_for -> Nullable<Text>,
        suspended_until -> Nullable<Timestamp>,
        manager -> Nullable<Text>,
        owner -> Nullable<Text>,
        department_digest -> Nullable<Text>,
        worker_type -> Nullable<Text>,
        time_zone -> Nullable<Text>,
        starts_at -> Nullable<Timestamp>,
        ends_at -> Nullable<Timestamp>,
        enrolled_at -> Nullable<Timestamp>,
        details -> Binary,
        source -> Text,
        strong_factor -> Bool,
        created_at -> Timestamp,
        changed_at -> Timestamp,
        revision -> BigInt,
    }
}

diesel::table! {
    names (space, digest) {
        space -> Text,
        digest -> Text,
        kind -> Text,
        account -> Text,
        sealed -> Binary,
        since -> Timestamp,
        until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    passwords (account) {
        account -> Text,
        hash -> Text,
        history -> Text,
        set_at -> Timestamp,
        must_change -> Bool,
    }
}

diesel::table! {
    attempts (digest) {
        digest -> Text,
        failures -> Integer,
        in_flight -> Integer,
        locked_until -> Nullable<Timestamp>,
        changed_at -> Timestamp,
        recent_locks -> Nullable<Text>,
        held_at -> Nullable<Timestamp>,
        consecutive -> Integer,
        of_account -> Bool,
    }
}

diesel::table! {
    mails (id) {
        id -> Text,
        reason -> Text,
        template -> Text,
        account -> Text,
        about -> Text,
        state -> Text,
        attempts -> Integer,
        due_at -> Timestamp,
        created_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        fault -> Nullable<Text>,
    }
}

diesel::table! {
    recovery_asks (id) {
        id -> Text,
        name -> Binary,
        asked_at -> Timestamp,
    }
}

diesel::table! {
    handovers (id) {
        id -> Text,
        account -> Text,
        what -> Text,
        state -> Text,
        asked_by -> Text,
        decided_by -> Nullable<Text>,
        words -> Text,
        asked_at -> Timestamp,
    }
}

diesel::table! {
    email_changes (id) {
        id -> Text,
        account -> Text,
        former -> Nullable<Binary>,
        changed_at -> Timestamp,
    }
}

diesel::table! {
    totp_factors (account) {
        account -> Text,
        secret -> Binary,
        confirmed_at -> Nullable<Timestamp>,
        last_step -> BigInt,
        next_secret -> Nullable<Binary>,
    }
}

diesel::table! {
    recovery_codes (account, digest) {
        account -> Text,
        digest -> Text,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    passkeys (id) {
        id -> Text,
        account -> Text,
        digest -> Text,
        credential -> Binary,
        name -> Binary,
        counter -> BigInt,
        created_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    passkey_ceremonies (id) {
        id -> Text,
        purpose -> Text,
        bound_to -> Text,
        state -> Binary,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    one_time_links (digest) {
        digest -> Text,
        purpose -> Text,
        account -> Nullable<Text>,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
        workstation -> Nullable<Text>,
    }
}

diesel::table! {
    workstations (id) {
        id -> Text,
        name -> Binary,
        digest -> Nullable<Text>,
        registered_by -> Text,
        registered_at -> Timestamp,
        in_use_since -> Nullable<Timestamp>,
        used_on -> Nullable<Timestamp>,
        ended_by -> Nullable<Text>,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    known_devices (digest) {
        digest -> Text,
        account -> Text,
        since -> Timestamp,
        ends_at -> Timestamp,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        digest -> Text,
        account -> Text,
        stage -> Text,
        created_at -> Timestamp,
        seen_at -> Timestamp,
        proved_at -> Timestamp,
        idle_seconds -> BigInt,
        ends_at -> Timestamp,
        agent -> Binary,
        next_password -> Nullable<Text>,
        ended_at -> Nullable<Timestamp>,
        ended_by -> Nullable<Text>,
        network -> Nullable<Text>,
        origin -> Nullable<Text>,
        workstation -> Nullable<Text>,
    }
}

diesel::table! {
    sso_links (digest) {
        digest -> Text,
        account -> Text,
        provider -> Text,
        name -> Binary,
        linked_by -> Text,
        linked_at -> Timestamp,
        used_at -> Timestamp,
        removal_asked_by -> Nullable<Text>,
        removal_asked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sso_attempts (digest) {
        digest -> Text,
        provider -> Text,
        browser -> Text,
        secrets -> Binary,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
        replayed -> Bool,
    }
}

diesel::table! {
    sso_sessions (id) {
        id -> Text,
        account -> Text,
        provider -> Text,
        link -> Text,
        sid -> Nullable<Text>,
        began_at -> Timestamp,
    }
}

diesel::table! {
    sso_roles (account, provider, role) {
        account -> Text,
        provider -> Text,
        role -> Text,
        grant_id -> Nullable<Text>,
        request -> Nullable<Text>,
        since -> Timestamp,
    }
}

diesel::table! {
    sso_logouts (digest) {
        digest -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Text,
        digest -> Text,
        account -> Text,
        application -> Nullable<Text>,
        asserts -> Nullable<Text>,
        networks -> Text,
        explains_pii -> Bool,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    applications (key) {
        key -> Text,
        owner -> Nullable<Text>,
        environment -> Text,
        integration -> Text,
        spec -> Text,
        changed_at -> Timestamp,
        retired_at -> Nullable<Timestamp>,
        revision -> BigInt,
    }
}

diesel::table! {
    roles (id) {
        id -> Text,
        application -> Text,
        class -> Text,
        access_role -> Bool,
        private_to -> Nullable<Text>,
        spec -> Text,
        changed_at -> Timestamp,
        retired_at -> Nullable<Timestamp>,
        revision -> BigInt,
    }
}

diesel::table! {
    grants (id) {
        id -> Text,
        account -> Text,
        role -> Text,
        state -> Text,
        scope -> Nullable<Text>,
        reason -> Nullable<Text>,
        source -> Text,
        approvers -> Text,
        request -> Nullable<Text>,
        valid_from -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        confirmed_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        ended_by -> Nullable<Text>,
        revision -> BigInt,
    }
}

diesel::table! {
    grant_usage (grant_id) {
        grant_id -> Text,
        used_at -> Timestamp,
    }
}

diesel::table! {
    usage_reports (evaluation) {
        evaluation -> Text,
        records -> BigInt,
        recorded -> Bool,
        at -> Timestamp,
    }
}

diesel::table! {
    kill_switches (id) {
        id -> Text,
        target -> Text,
        reason -> Nullable<Text>,
        pulled_at -> Timestamp,
        pulled_by -> Text,
        lifted_at -> Nullable<Timestamp>,
        lifted_by -> Nullable<Text>,
        revision -> BigInt,
    }
}

diesel::table! {
    requests (id) {
        id -> Text,
        account -> Text,
        role -> Text,
        asked_by -> Text,
        state -> Text,
        scope -> Nullable<Text>,
        reason -> Text,
        duration_seconds -> Nullable<BigInt>,
        valid_from -> Nullable<Timestamp>,
        expires_at -> Nullable<Timestamp>,
        stages -> Text,
        created_at -> Timestamp,
        lapses_at -> Timestamp,
        decided_at -> Nullable<Timestamp>,
        grant_id -> Nullable<Text>,
        revision -> BigInt,
    }
}

diesel::table! {
    request_approvers (request, stage, approver) {
        request -> Text,
        stage -> Integer,
        approver -> Text,
        authority -> Text,
        answer -> Nullable<Text>,
        note -> Nullable<Text>,
        answered_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    campaigns (id) {
        id -> Text,
        name -> Text,
        origin -> Text,
        period -> Nullable<Text>,
        scope -> Text,
        state -> Text,
        population_revision -> BigInt,
        population -> BigInt,
        opened_at -> Timestamp,
        due_at -> Timestamp,
        suspends_at -> Timestamp,
        closed_at -> Nullable<Timestamp>,
        opened_by -> Text,
        report -> Nullable<Text>,
        revision -> BigInt,
    }
}

diesel::table! {
    review_items (id) {
        id -> Text,
        campaign -> Text,
        grant_id -> Text,
        account -> Text,
        role -> Text,
        application -> Text,
        class -> Text,
        risk -> Integer,
        scope -> Nullable<Text>,
        reviewer -> Nullable<Text>,
        authority -> Text,
        state -> Text,
        recommendation -> Text,
        used -> Text,
        used_at -> Nullable<Timestamp>,
        grant_revision -> BigInt,
        draft -> Nullable<Text>,
        draft_by -> Nullable<Text>,
        draft_reason -> Nullable<Text>,
        draft_until -> Nullable<Timestamp>,
        drafted_at -> Nullable<Timestamp>,
        decision -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        reason -> Nullable<Text>,
        keep_until -> Nullable<Timestamp>,
        applied_revision -> Nullable<BigInt>,
        verified_at -> Nullable<Timestamp>,
        verified_revision -> Nullable<BigInt>,
        revision -> BigInt,
    }
}

diesel::table! {
    leaver_cases (id) {
        id -> Text,
        account -> Text,
        state -> Text,
        source -> Text,
        reason -> Nullable<Text>,
        confidential -> Bool,
        effective_at -> Timestamp,
        known_at -> Timestamp,
        deadline -> Timestamp,
        breached_on_arrival -> Bool,
        opened_by -> Text,
        closed_at -> Nullable<Timestamp>,
        revision -> BigInt,
    }
}

diesel::table! {
    leaver_steps (leaver_case, kind, target) {
        leaver_case -> Text,
        kind -> Text,
        target -> Text,
        state -> Text,
        at -> Nullable<Timestamp>,
        applied_revision -> Nullable<BigInt>,
        evidence -> Nullable<Text>,
    }
}

diesel::table! {
    holdings (id) {
        id -> Text,
        system -> Text,
        role -> Text,
        digest -> Text,
        sealed -> Binary,
        state -> Text,
        doubt -> Nullable<Text>,
        account -> Nullable<Text>,
        grant_id -> Nullable<Text>,
        drift -> Bool,
        brought_by -> Text,
        granted_at -> Nullable<Timestamp>,
        used -> Text,
        used_at -> Nullable<Timestamp>,
        list -> Text,
        found_at -> Timestamp,
        gone_at -> Nullable<Timestamp>,
        gone_how -> Nullable<Text>,
        revision -> BigInt,
    }
}

diesel::table! {
    system_lists (id, system) {
        id -> Text,
        system -> Text,
        at -> Timestamp,
        digest -> Text,
        read_by -> Text,
        lines -> BigInt,
        refused -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    manual_tasks (id) {
        id -> Text,
        system -> Text,
        role -> Text,
        account -> Nullable<Text>,
        holding -> Nullable<Text>,
        grant_id -> Nullable<Text>,
        origin -> Text,
        origin_id -> Nullable<Text>,
        assignee -> Text,
        state -> Text,
        opened_at -> Timestamp,
        due_at -> Timestamp,
        note -> Nullable<Text>,
        proof -> Nullable<Text>,
        done_by -> Nullable<Text>,
        done_at -> Nullable<Timestamp>,
        verified_by -> Nullable<Text>,
        verified_at -> Nullable<Timestamp>,
        verified_revision -> Nullable<BigInt>,
        revision -> BigInt,
    }
}

diesel::table! {
    exceptions (id) {
        id -> Text,
        kind -> Text,
        what -> Text,
        account -> Text,
        state -> Text,
        reason -> Text,
        control -> Text,
        asked_by -> Text,
        approved_by -> Nullable<Text>,
        approved_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        ends_at -> Timestamp,
        ended_by -> Nullable<Text>,
        ended_at -> Nullable<Timestamp>,
        revision -> BigInt,
    }
}

diesel::table! {
    proposals (id) {
        id -> Text,
        state -> Text,
        applications -> Text,
        content -> Text,
        digest -> Text,
        basis -> Text,
        proposed_by -> Text,
        proposed_at -> Timestamp,
        lapses_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        note -> Nullable<Text>,
        revision -> BigInt,
    }
}

diesel::table! {
    attestations (id) {
        id -> Text,
        account -> Text,
        kind -> Text,
        given_at -> Timestamp,
        ends_at -> Nullable<Timestamp>,
        attested_by -> Text,
        evidence -> Text,
        recorded_at -> Timestamp,
        revision -> BigInt,
    }
}

diesel::table! {
    provider_attestations (id) {
        id -> Text,
        provider -> Text,
        ends_at -> Timestamp,
        evidence -> Text,
        attested_by -> Text,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    own_decisions (id) {
        id -> Text,
        matter -> Text,
        thing -> Text,
        role -> Text,
        account -> Text,
        state -> Text,
        reason -> Text,
        opened_at -> Timestamp,
        effective_at -> Timestamp,
        objected_by -> Nullable<Text>,
        objected_at -> Nullable<Timestamp>,
        objection -> Nullable<Text>,
        revision -> BigInt,
    }
}

diesel::table! {
    alarms (id) {
        id -> Text,
        rule -> Text,
        severity -> Text,
        account -> Nullable<Text>,
        about -> Text,
        open_key -> Nullable<Text>,
        state -> Text,
        denies -> Bool,
        threshold -> Nullable<BigInt>,
        window_seconds -> Nullable<BigInt>,
        observed -> BigInt,
        samples -> Text,
        note -> Nullable<Text>,
        told -> Text,
        sightings -> BigInt,
        raised_by -> Text,
        raised_at -> Timestamp,
        last_seen_at -> Timestamp,
        acknowledged_by -> Nullable<Text>,
        acknowledged_at -> Nullable<Timestamp>,
        investigated_by -> Nullable<Text>,
        investigated_at -> Nullable<Timestamp>,
        closed_by -> Nullable<Text>,
        closed_at -> Nullable<Timestamp>,
        finding -> Nullable<Text>,
        revision -> BigInt,
    }
}

diesel::table! {
    row_history (table_name, row_id, number) {
        table_name -> Text,
        row_id -> Text,
        number -> BigInt,
        body -> Text,
    }
}

diesel::joinable!(grants -> roles (role));
diesel::joinable!(grants -> accounts (account));
diesel::joinable!(review_items -> campaigns (campaign));
diesel::joinable!(review_items -> grants (grant_id));
diesel::joinable!(request_approvers -> requests (request));

diesel::allow_tables_to_appear_in_same_query!(
    log_head,
    change_events,
    log_roots,
    checkpoints,
    nodes,
    jobs,
    settings,
    vault_keys,
    texts,
    idempotency,
    accounts,
    names,
    passwords,
    attempts,
    mails,
    email_changes,
    recovery_asks,
    handovers,
    totp_factors,
    recovery_codes,
    passkeys,
    passkey_ceremonies,
    one_time_links,
    workstations,
    known_devices,
    sessions,
    sso_links,
    sso_attempts,
    sso_sessions,
    sso_roles,
    sso_logouts,
    api_keys,
    applications,
    roles,
    grants,
    grant_usage,
    kill_switches,
    requests,
    request_approvers,
    campaigns,
    review_items,
    leaver_cases,
    leaver_steps,
    holdings,
    system_lists,
    manual_tasks,
    alarms,
    exceptions,
    proposals,
    attestations,
    own_decisions,
    usage_reports,
    row_history,
);
