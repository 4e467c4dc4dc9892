//! The tables as diesel sees them; `migrations/` says what each column means.
#![allow(missing_docs, reason = "the columns are described in migrations/")]

diesel::table! {
    entries (seq) { seq -> BigInt, bytes -> Binary, nodes -> Binary, }
}
diesel::table! {
    log_head (id) { id -> Integer, size -> BigInt, last_leaf -> Binary, last_time -> BigInt, frontier -> Binary, }
}
diesel::table! {
    checkpoints (number) { number -> BigInt, size -> BigInt, note -> Text, }
}
diesel::table! {
    entry_subjects (subject, seq) { subject -> Binary, seq -> BigInt, }
}
diesel::table! {
    record_keys (space, text) { space -> Text, text -> Text, owner -> Text, }
}
diesel::table! {
    assets (id) {
        id -> Text, last_seq -> BigInt, state -> Text, tag -> Text, serial -> Nullable<Text>, title -> Text, category -> Text, site -> Text,
        party -> Text, label -> Text,
    }
}
diesel::table! {
    asset_parties (party, tag, asset) { party -> Binary, tag -> Text, asset -> Text, label -> Text, }
}
diesel::table! {
    asset_search (number) { number -> BigInt, asset -> Text, text -> Text, }
}
diesel::table! {
    label_counts (party, label) { party -> Text, label -> Text, devices -> BigInt, }
}
diesel::table! {
    media (id) { id -> Text, last_seq -> BigInt, state -> Text, host -> Nullable<Text>, party -> Nullable<Text>, }
}
diesel::table! {
    parties (id) { id -> Text, last_seq -> BigInt, state -> Text, name -> Text, }
}
diesel::table! {
    consignments (id) { id -> Text, last_seq -> BigInt, state -> Text, reference -> Text, from_party -> Text, to_party -> Text, }
}
diesel::table! {
    consignment_lines (consignment, item) { consignment -> Text, item -> Text, last_seq -> BigInt, state -> Text, }
}
diesel::table! {
    consignment_tags (consignment, tag, item) { consignment -> Text, tag -> Text, item -> Text, }
}
diesel::table! {
    discrepancies (id) { id -> Text, last_seq -> BigInt, state -> Text, consignment -> Text, asset -> Nullable<Text>, }
}
diesel::table! {
    evidence (id) { id -> Text, last_seq -> BigInt, state -> Text, }
}
diesel::table! {
    media_lists (list, medium) { list -> Text, medium -> Text, }
}
diesel::table! {
    evidence_lists (party, list, seq, sha256) { party -> Text, list -> Text, seq -> BigInt, sha256 -> Text, }
}
diesel::table! {
    evidence_media (medium, sha256) { medium -> Text, sha256 -> Text, }
}
diesel::table! {
    readings (sha256, reader, version) { sha256 -> Text, reader -> Text, version -> BigInt, at -> BigInt, body -> Text, }
}
diesel::table! {
    certificates (id) { id -> Text, last_seq -> BigInt, state -> Text, asset -> Text, }
}
diesel::table! {
    certificate_parties (party, certificate) { party -> Text, certificate -> Text, }
}
diesel::table! {
    exceptions (id) { id -> Text, last_seq -> BigInt, state -> Text, status -> Text, subject -> Text, }
}
diesel::table! {
    exception_lists (party, status, place, exception) { party -> Text, status -> Text, place -> Text, exception -> Text, }
}
diesel::table! {
    exception_counts (party, status, severity) { party -> Text, status -> Text, severity -> Text, exceptions -> BigInt, }
}
diesel::table! {
    mass_sums (month, site, vendor, basis) {
        month -> Text, site -> Text, vendor -> Text, basis -> Text, devices -> BigInt, grams -> BigInt, reuse -> BigInt, recovered -> BigInt, energy -> BigInt,
        landfill -> BigInt, undocumented -> BigInt, recycling_in -> BigInt, claimed -> BigInt, stored_devices -> BigInt, stored -> BigInt,
    }
}
diesel::table! {
    tables_version (id) { id -> Integer, version -> BigInt, }
}
diesel::table! {
    people (id) {
        id -> Text, name -> Text, title -> Text, role -> Text, party -> Text, phone -> Text, email -> Text, site -> Text, disabled_at -> Nullable<BigInt>,
    }
}
diesel::table! {
    api_tokens (id) {
        id -> Text, person -> Text, name -> Text, token_sha256 -> Text, scopes -> Text, created_at -> BigInt, expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}
diesel::table! {
    credentials (person) { person -> Text, password -> Text, totp -> Nullable<Binary>, totp_step -> BigInt, }
}
diesel::table! {
    recovery_codes (person, number) { person -> Text, number -> BigInt, hash -> Text, }
}
diesel::table! {
    oidc_identities (issuer, subject) { issuer -> Text, subject -> Text, person -> Text, }
}
diesel::table! {
    sessions (id) {
        id -> Text, person -> Text, token_sha256 -> Text, stage -> Text, signed_in -> Text, created_at -> BigInt, seen_at -> BigInt, proved_at -> BigInt,
        agent -> Text,
    }
}
diesel::table! {
    invitations (secret_sha256) { secret_sha256 -> Text, person -> Text, created_at -> BigInt, expires_at -> BigInt, }
}
diesel::table! {
    administration (id) {
        id -> Text, at -> BigInt, person -> Text, act -> Text, about -> Text, before_sha256 -> Text, after_sha256 -> Text,
    }
}
diesel::table! {
    assignees (asset) { asset -> Text, person -> Text, }
}
diesel::table! {
    one_time_links (id) { id -> Text, consignment -> Text, secret_sha256 -> Text, }
}
diesel::table! {
    shown_names (certificate, person) { certificate -> Text, person -> Text, salt -> Binary, }
}
diesel::table! {
    certificate_parts (certificate, name) { certificate -> Text, name -> Text, sha256 -> Text, }
}
diesel::table! {
    status_lists (list, seq) { list -> Text, seq -> BigInt, sha256 -> Text, }
}
diesel::table! {
    idempotency (id) { id -> BigInt, scope -> Binary, request -> Binary, status -> BigInt, answer -> Binary, at -> BigInt, }
}

diesel::table! {
    people_erased (id) { id -> Text, role -> Text, party -> Text, at -> BigInt, }
}
diesel::table! {
    last_seen (asset) { asset -> Text, at -> BigInt, source -> Text, site -> Nullable<Text>, }
}
diesel::table! {
    bulk_jobs (id) {
        id -> Text, person -> Text, party -> Text, command -> Text, body -> Text, member -> Text, state -> Text, total -> BigInt, done -> BigInt,
        refused -> BigInt, began -> BigInt, ended -> Nullable<BigInt>, why -> Nullable<Text>, runner -> Text, lease -> BigInt,
        failed -> BigInt,
    }
}
diesel::table! {
    bulk_items (job, number) {
        job -> Text, number -> BigInt, subject -> Text, state -> Text, seq -> Nullable<BigInt>, code -> Nullable<Text>, why -> Nullable<Text>,
        tries -> BigInt,
    }
}

diesel::table! {
    outbox (id) {
        id -> Text, person -> Nullable<Text>, to_address -> Nullable<Text>, kind -> Text, language -> Text, data -> Text, created -> BigInt,
        next_try -> Nullable<BigInt>, tries -> BigInt, last_error -> Nullable<Text>, sent_at -> Nullable<BigInt>, given_up_at -> Nullable<BigInt>,
        runner -> Text, lease -> BigInt,
    }
}
diesel::table! {
    notes (id) {
        id -> Text, about -> Text, line -> Nullable<Text>, author -> Text, party -> Text, text -> Nullable<Text>, salt -> Nullable<Binary>, seq -> BigInt,
        at -> BigInt, erased_at -> Nullable<BigInt>, erased_by -> Nullable<Text>,
    }
}
diesel::table! {
    outbox_told (what) { what -> Text, at -> BigInt, }
}
diesel::table! {
    mail_preferences (person) { person -> Text, language -> Text, switched_off -> Text, }
}
diesel::table! {
    views (id) { id -> Text, person -> Text, name -> Text, query -> Text, role -> Text, }
}

diesel::allow_tables_to_appear_in_same_query!(asset_parties, assets, certificate_parties, certificates, entries, entry_subjects, exceptions);
diesel::allow_tables_to_appear_in_same_query!(consignment_lines, consignment_tags);
diesel::allow_tables_to_appear_in_same_query!(people, api_tokens, credentials, oidc_identities, sessions, invitations);
