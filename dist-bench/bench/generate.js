import { join } from 'node:path';
import { agentMigrations, agentNoise } from './lines/agent.js';
import { daemonMigration, daemonNoise, pollerMigration, pollerNoise, qemuMigration } from './lines/hypervisor.js';
import { announcement, heartbeatNoise, networkNoise } from './lines/observers.js';
import { createLogFile } from './log-file.js';
import { HOSTS, planned } from './plan.js';
import { createRandom } from './random.js';
const SEED = 20_261_120;
const WINDOW_MS = 60_000;
/** How the bytes of a folder are shared out; QEMU's logs take what their migrations need. */
const SHARES = { agent: 0.6, libvirtd: 0.14, domjobinfo: 0.12, heartbeat: 0.06, tcpdump: 0.07 };
/** One host's agent.log: the same bytes every time. */
export function writeAgentLog(path, bytes) {
    const plan = planned(SEED, { days: 7, migrations: Math.round(bytes / 52_000) });
    const random = createRandom(SEED + 1);
    const log = createLogFile({ path, from: plan.from, to: plan.to, bytes, noise: agentNoise(plan, random) });
    const tell = agentMigrations(plan, random);
    play(plan, [log], (move) => tell(move, { source: move.source === 'kvm-a' ? log : null, destination: move.destination === 'kvm-a' ? log : null }));
    return total(plan, [log]);
}
/** All logs of two hosts and of the network between them, telling of the same migrations: the same bytes every time. */
export function writeFolder(folder, bytes) {
    const plan = planned(SEED, { days: 4, migrations: Math.round(bytes / 200_000) });
    const random = createRandom(SEED + 2);
    const place = (host, name) => join(folder, 'hosts', host, name);
    const create = (path, share, noise) => createLogFile({ path, from: plan.from, to: plan.to, bytes: bytes * share, noise });
    const perHost = (name, share, noise) => ({
        'kvm-a': create(place('kvm-a', name), share / 2, noise('kvm-a')),
        'kvm-b': create(place('kvm-b', name), share / 2, noise('kvm-b')),
    });
    const agents = perHost('var/log/cloudstack/agent/agent.log', SHARES.agent, () => agentNoise(plan, random));
    const daemons = perHost('var/log/libvirt/libvirtd.log', SHARES.libvirtd, () => daemonNoise(plan, random));
    const pollers = perHost('domjobinfo.jsonl', SHARES.domjobinfo, () => pollerNoise(plan, random));
    const heartbeats = perHost('heartbeat.jsonl', SHARES.heartbeat, (host) => heartbeatNoise(host, random));
    const network = create(join(folder, 'switch/tcpdump.log'), SHARES.tcpdump, networkNoise(plan, random));
    const qemus = new Map(plan.vms.map(({ name }) => [name, perQemu(name, (path) => create(path, 0, null), place)]));
    const logs = [agents, daemons, pollers, heartbeats, ...qemus.values()]
        .flatMap((files) => HOSTS.map((host) => files[host]))
        .concat(network);
    const tell = agentMigrations(plan, random);
    play(plan, logs, (move) => {
        tell(move, { source: agents[move.source], destination: agents[move.destination] });
        qemuMigration(move, (host, at, record) => qemus.get(move.vm.name)?.[host].add(at, record));
        daemonMigration(move, (host, at, record) => daemons[host].add(at, record));
        pollerMigration(move, (host, at, record) => pollers[host].add(at, record));
        announcement(move, network);
    });
    return total(plan, logs);
}
function perQemu(vm, create, place) {
    const path = `var/log/libvirt/qemu/${vm}.log`;
    return { 'kvm-a': create(place('kvm-a', path)), 'kvm-b': create(place('kvm-b', path)) };
}
/** Tells every migration when its minute comes, so that no log has to be held in memory. */
function play({ from, to, moves }, logs, tell) {
    let next = 0;
    for (let until = from + WINDOW_MS; until <= to; until += WINDOW_MS) {
        // what a destination prepares comes a little before the request
        for (let move = moves[next]; move !== undefined && move.at < until + WINDOW_MS; move = moves[next]) {
            tell(move);
            next += 1;
        }
        for (const log of logs)
            log.advance(until);
    }
}
function total({ moves }, logs) {
    const written = logs.map((log) => log.close());
    const sum = (of) => written.reduce((all, each) => all + of(each), 0);
    return {
        lines: sum(({ lines }) => lines),
        bytes: sum(({ bytes }) => bytes),
        added: sum(({ added }) => added),
        files: logs.length,
        migrations: moves.length,
    };
}
