import test from 'ava';
import { NearestSockets } from '../../src/rewrite/near-misses/nearest-sockets';

/** By wanted key: sockets with all their keys, and the keys that are suggested. */
const CASES: [what: string, wanted: string, seen: string[][], found: string[]][] = [
  ['the inode in hexadecimal', 'socket:[10]', [['@a', 'socket:[16]'], ['socket:[11]']], ['socket:[16]']],
  ['no inode for an abstract name', '@socket:[1111]', [['socket:[4369]']], []],
  ['no listener for a connection', 'tcp:1.2.3.4:80-5.5.5.5:90', [['tcp:101.102.103.104:80']], []],
  ['no inode that is near', 'socket:[10]', [['socket:[11]'], ['socket:[100]']], []],
  ['a listener at the same port', 'tcp:1.2.3.4:80', [['tcp:0.0.0.0:80'], ['tcp:9.9.9.9:8090']], ['tcp:0.0.0.0:80']],
  ['no other protocol', 'tcp:1.2.3.4:80', [['udp:99.99.99.99:80']], []],
  ['no connection for a port alone', 'tcp:1.2.3.4:80', [['tcp:5.5.5.5:80-6.6.6.6:90']], []],
  [
    'a connection of the same near end',
    'tcp:1.2.3.4:80-5.5.5.5:90',
    [['tcp:1.2.3.4:80-66.66.66.66:9123']],
    ['tcp:1.2.3.4:80-66.66.66.66:9123'],
  ],
  [
    'a connection by its own end alone',
    'tcp:1.2.3.4:80',
    [['tcp:1.2.3.4:80-66.66.66.66:9123']],
    ['tcp:1.2.3.4:80-66.66.66.66:9123'],
  ],
  [
    'a connection by its far end first',
    'tcp:55.55.55.55:90-1.2.3.4:80',
    [['tcp:1.2.3.4:80-55.55.55.55:90']],
    ['tcp:1.2.3.4:80-55.55.55.55:90'],
  ],
  [
    'no connection that has one end alone at the other side',
    'tcp:55.55.55.55:90-1.2.3.4:80',
    [['tcp:101.102.103.104:81-55.55.55.55:90'], ['tcp:1.2.3.4:80-101.102.103.104:81']],
    [],
  ],
  ['a name that is near', '@daemon', [['@deamon', 'socket:[5]'], ['@other']], ['@deamon']],
  ['no port for a name that looks like one', '@tcp:1.2.3.4:80', [['tcp:101.102.103.104:80']], []],
  ['no name for a port', 'tcp:1.2.3.4:80', [['@tcp:101.102.103.104:80', 'socket:[80]']], []],
  ['an address of IPv6', 'tcp:[0::1]:80', [['tcp:[fe80::9999:1234]:80']], ['tcp:[fe80::9999:1234]:80']],
  [
    'three at most, each once, those of the port first',
    'tcp:1.2.3.4:80',
    [
      ['tcp:1.2.3.5:80'],
      ['tcp:1.2.3.5:80'],
      ['tcp:1.2.3.4:81'],
      ['tcp:11.12.13.15:80'],
      ['tcp:21.22.23.25:80'],
      ['tcp:31.32.33.35:80'],
    ],
    ['tcp:1.2.3.5:80', 'tcp:11.12.13.15:80', 'tcp:21.22.23.25:80'],
  ],
  [
    'those of a similar address behind',
    'udp:1.2.3.4:80',
    [['udp:1.2.3.4:81'], ['udp:0.0.0.0:80']],
    ['udp:0.0.0.0:80', 'udp:1.2.3.4:81'],
  ],
];
for (const [what, wanted, seen, found] of CASES) {
  test(`suggested is ${what}`, (t) => {
    const nearest = new NearestSockets(wanted);
    for (const keys of seen) nearest.see(keys);
    t.deepEqual(nearest.found(), found);
  });
}
