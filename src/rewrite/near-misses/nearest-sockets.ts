import { socketKey } from '../../checkpoint/key-text';
import { ComparisonBudget, NearestPaths } from './nearest-paths';

/** So many keys are kept of one sort. */
const MAX_KEPT = 3;

/** Finds, among the keys of sockets that are shown one by one, those that come nearest to one that is not there. */
export class NearestSockets {
  /** Numbers that are near each other mean nothing. */
  private readonly nearest: NearestPaths | undefined;
  private readonly inode: number | undefined;
  private readonly address: Address | undefined;
  private readonly alike: string[] = [];

  /** `wanted`: as checkpoint/key-text.ts writes it. */
  constructor(wanted: string) {
    const digits = /^socket:\[(\d+)/.exec(wanted)?.[1];
    this.inode = digits === undefined ? undefined : Number(digits);
    this.address = addressOf(wanted);
    if (this.inode === undefined) this.nearest = new NearestPaths(Buffer.from(wanted), new ComparisonBudget());
  }

  /** Considers a socket by all its keys. */
  see(keys: readonly string[]): void {
    for (const key of keys) {
      if (this.isAlike(key)) {
        if (this.alike.length < MAX_KEPT && !this.alike.includes(key)) this.alike.push(key);
        continue;
      }
      const bytes = Buffer.from(key);
      this.nearest?.see(bytes, 0, bytes.length);
    }
  }

  private isAlike(key: string): boolean {
    if (this.inode !== undefined) return key === socketKey(Number.parseInt(String(this.inode), 16));
    const [wanted, seen] = [this.address, addressOf(key)];
    if (wanted === undefined || seen === undefined || wanted.protocol !== seen.protocol) return false;
    if (wanted.remote === undefined && seen.remote === undefined) return wanted.port === seen.port;
    // A connection by its own end alone, or by its far end first.
    return wanted.local === seen.local || (wanted.local === seen.remote && wanted.remote === seen.local);
  }

  /** The nearest first: of the same address or port, then of a similar name. */
  found(): string[] {
    const similar = (this.nearest?.found() ?? []).map(String);
    return [...this.alike, ...similar].slice(0, MAX_KEPT);
  }
}

interface Address {
  readonly protocol: string;
  readonly local: string;
  readonly port: string;
  readonly remote: string | undefined;
}

function addressOf(key: string): Address | undefined {
  const match = /^(tcp|udp):([^-]*:(\d+))(?:-(.*))?/.exec(key);
  if (match === null) return undefined;
  const [, protocol, local, port, remote] = match as unknown as [string, string, string, string, string | undefined];
  return { protocol, local, port, remote };
}
