import { createRandom, uuid } from './random.js';
/** The two hypervisors of every log here. */
export const HOSTS = ['kvm-a', 'kvm-b'];
export const ADDRESSES = { 'kvm-a': '10.77.0.1', 'kvm-b': '10.77.0.2' };
/** 20 November 2026, far from any change of daylight saving. */
const FROM = Date.UTC(2026, 10, 20);
const DAY_MS = 86_400_000;
const VMS = 200;
/** Between two migrations of one VM. */
const REST_MS = 60_000;
function madeVm(random, index) {
    const number = 100 + index;
    return {
        name: `i-${2 + (index % 17)}-${number}-VM`,
        mac: `02:00:${random.hex(2)}:${random.hex(2)}:00:${number.toString(16).slice(-2).padStart(2, '0')}`,
        uuid: uuid(random),
        memoryBytes: random.pick([2, 4, 8, 16, 32]) * 2 ** 30,
        monitor: `0x7f${random.hex(10)}`,
    };
}
/** Seconds, most of them few: 8 to 400, about 90 on average. */
function duration(random) {
    return Math.round(8000 * 50 ** random.next());
}
function ending(random) {
    const chance = random.next();
    if (chance < 0.9)
        return 'completed';
    return random.pick(['cpu-incompatible', 'connection-refused', 'time-limit']);
}
/** VMs that move to and fro between two hosts, evenly over some days. */
export function planned(seed, { days, migrations }) {
    const random = createRandom(seed);
    const vms = [madeVm(random, 0), ...Array.from({ length: VMS - 1 }, (_, index) => madeVm(random, index + 1))];
    const states = vms.map((vm, index) => ({ vm, host: HOSTS[index % 2] ?? 'kvm-a', busyUntil: 0 }));
    const moves = [];
    const every = (days * DAY_MS) / migrations;
    for (let index = 0; index < migrations; index += 1) {
        const at = Math.round(FROM + (index + random.next() * 0.9) * every);
        const free = states.filter(({ busyUntil }) => busyUntil < at);
        const state = free[random.whole(0, free.length - 1)];
        if (state === undefined)
            continue;
        const source = state.host;
        const destination = source === 'kvm-a' ? 'kvm-b' : 'kvm-a';
        const end = ending(random);
        const tookMs = end === 'completed' || end === 'time-limit' ? duration(random) : random.whole(200, 900);
        moves.push({ vm: state.vm, source, destination, at, tookMs, end });
        state.busyUntil = at + tookMs + REST_MS;
        if (end === 'completed')
            state.host = destination;
    }
    return { from: FROM, to: FROM + days * DAY_MS, vms, moves };
}
