/** `2026-11-23 21:43:14.022`, UTC. */
export function utc(at) {
    return new Date(at).toISOString().slice(0, 23).replace('T', ' ');
}
/** `2026-11-23T21:43:14.022Z`. */
export function iso(at) {
    return new Date(at).toISOString();
}
/** `2026-11-23 22:43:14,022`: the hosts' zone is one hour east of Greenwich. */
export function local(at) {
    return utc(at + 3_600_000).replace('.', ',');
}
