/** Sockets of the network: CRIU 4.1.1 cannot dump them on kernels from 6.16 on. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { inspect, openSource } from '../../src';
import { compileProgram } from '../real/support/compile';
import { readOf, restoreGiven, talk } from '../real/support/given';
import { descriptor } from '../real/support/graft';
import { realTest } from '../real/support/real-test';
import { allOf } from '../support/all-of';

/** A port of the loopback that nobody has; `type`: of the socket that is going to have it. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** The key that ls prints for a descriptor. */
async function keyOf(dump: string, fd: number): Promise<string> {
  const entries = await allOf(inspect(await openSource(dump)));
  return entries.find(({ descriptors }) => [...descriptors].some((one) => one.fd === fd))?.facts?.key ?? '';
}

realTest(
  'a TCP server goes on at another port, a UDP one too, and sockets without a port are those of the caller',
  async (t, lab) => {
    const program = await lab.startProgram(compileProgram('server'), { args: ['inet'] });
    const dump = await lab.dump(program);
    const [tcp, udp] = [await keyOf(dump, 10), await keyOf(dump, 14)];
    t.regex(tcp, /^tcp:127\.0\.0\.1:\d+$/);
    t.regex(udp, /^udp:127\.0\.0\.1:\d+$/);
    const [port, datagramPort] = [await freePort(), await freePort()];
    const restored = await restoreGiven(lab, dump, {
      specs: [`fd[5]:${tcp}`, `fd[6]:${udp}`, `fd[7]:${await keyOf(dump, 17)}`, `fd[8]:${await keyOf(dump, 18)}`],
      give: [`5=inet:listen:${port}`, `6=inet:datagram:${datagramPort}`, '7=netlink', '8=packet'],
    });
    const sender = dgram.createSocket('udp4');
    t.teardown(() => sender.close());
    await new Promise<void>((sent) => sender.send('datagram\n', datagramPort, '127.0.0.1', () => sent()));
    await talk(t, program, restored, port, 20);
    t.is(readOf(program, 14), 'datagram\n');
    for (const fd of [17, 18]) t.true(descriptor(restored.tasks, program.pid, fd).target.startsWith('socket:['));
  },
);

realTest('a TCP server goes on at a unix socket', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('server'), { args: ['inet'] });
  const dump = await lab.dump(program);
  const at = `${lab.directory()}/app.sock`;
  const restored = await restoreGiven(lab, dump, {
    specs: [`fd[5]:${await keyOf(dump, 10)}`],
    give: [`5=unix:listen:${at}`],
  });
  t.regex(
    restored.output,
    /caller fd 5 is a listening unix stream socket, file id \d+ was a listening IPv4 stream socket/,
  );
  await talk(t, program, restored, at, 20);
});

realTest('an established connection goes on with another peer', async (t, lab) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const accepted = () => once(server, 'connection') as Promise<[net.Socket]>;
  const first = accepted();
  const old = net.connect(port, '127.0.0.1');
  const [[oldPeer]] = await Promise.all([first, once(old, 'connect')]);
  const { fd } = (old as unknown as { _handle: { fd: number } })._handle;
  const program = await lab.startProgram(compileProgram('server'), { args: ['inet'], fds: { 16: fd } });
  const local = old.localPort;
  // CRIU takes over a connection that nobody else has open.
  old.destroy();
  const dump = await lab.dump(program, { extraArgs: ['--tcp-established', '--network-lock', 'skip'] });
  const key = await keyOf(dump, 16);
  t.is(key, `tcp:127.0.0.1:${local}-127.0.0.1:${port}`);
  const second = accepted();
  const restored = await restoreGiven(lab, dump, { specs: [`fd[7]:${key}`], give: [`7=inet:connect:${port}`] });
  const [peer] = await second;
  const said = once(peer, 'data');
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(String((await said)[0]), 'task 16\n');
  peer.write('answer\n');
  for (let i = 0; i < 200; i += 1) {
    await restored.tasks.signal(program.pid, 'SIGUSR2');
    if (readOf(program, 16) !== '') break;
  }
  t.is(readOf(program, 16), 'answer\n');
  for (const one of [oldPeer, peer]) one?.destroy();
});
