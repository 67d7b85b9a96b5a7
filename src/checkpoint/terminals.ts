import { decode } from '../schema/decode';
import { TTY_INFO_ENTRY } from '../schema/generated/images';
import type { EntryFacts } from './entry-facts';
import { terminalKey } from './key-text';
import { Tally } from './tally';
import { roleOf, type TerminalRole } from './terminal-type';
import type { Subscriber } from './walk/subscriber';

/** A terminal as tty-info.img describes it. */
export interface TerminalState {
  /** Its number there, and that of its record. */
  readonly id: number;
  readonly record: number;
  readonly role: TerminalRole;
  /** CRIU's own key of it. */
  readonly key: string;
  /** The session that had it as controlling terminal, and the process group in its foreground; 0: none. */
  readonly session: number;
  readonly foreground: number;
  /** CRIU writes no settings of one that was hung up. */
  readonly isHungUp: boolean;
  /** Its size in characters, where it is known. */
  readonly size: { readonly rows: number; readonly columns: number } | undefined;
  /** The number of the pty; undefined for other terminals, and for those that were dumped with --external. */
  readonly index: number | undefined;
}

/** True where a terminal goes whole, with its settings and its session; of others, descriptors can go to any file. */
export function isWholeTerminal({ role, isHungUp }: TerminalState): boolean {
  return role === 'slave' && !isHungUp;
}

/** The terminals of a checkpoint, by their number in tty-info.img. Grows by a few numbers a terminal. */
export class Terminals {
  private readonly tally = new Tally('tty-info.img');
  private readonly states = new Map<number, TerminalState>();
  /** The second record of a number that is not unique, by that number. */
  private readonly repeated = new Map<number, number>();
  /** The numbers of ptys, by their ends. */
  private readonly masters = new Set<number>();
  private readonly slaves = new Set<number>();

  /** Its part in a walk. */
  readonly events: Subscriber = {
    terminal: (bytes, start, end, { entry }) => {
      const info = decode(TTY_INFO_ENTRY, bytes, start, end);
      const { id, rdev, dev = 0, sid, pgrp, termios, winsize, pty } = info;
      this.tally.count('terminals');
      if (this.states.has(id)) {
        if (!this.repeated.has(id)) this.repeated.set(id, entry);
        return;
      }
      const role = roleOf(info);
      if (pty !== undefined && role === 'master') this.masters.add(pty.index);
      if (pty !== undefined && role === 'slave') this.slaves.add(pty.index);
      this.states.set(id, {
        ...{ id, record: entry, role, key: terminalKey(rdev, dev), session: sid, foreground: pgrp },
        isHungUp: termios === undefined,
        size: winsize && { rows: winsize.ws_row, columns: winsize.ws_col },
        index: pty?.index,
      });
    },
  };

  of(id: number | undefined): TerminalState | undefined {
    return id === undefined ? undefined : this.states.get(id);
  }

  /** The second record with that number; undefined where it is unique, as CRIU writes it. */
  repeatedAt(id: number): number | undefined {
    return this.repeated.get(id);
  }

  /** True where both ends of a pty are in the checkpoint. */
  hasOtherEnd({ role, index = -1 }: TerminalState): boolean {
    return role === 'master' ? this.slaves.has(index) : role === 'slave' && this.masters.has(index);
  }

  /** Open ends of ptys whose masters are outside, but for those that were dumped with --external. */
  outer(): number[] {
    return [...this.states.values()].flatMap((state) => {
      const { id, role, index, isHungUp } = state;
      return role === 'slave' && index !== undefined && !isHungUp && !this.hasOtherEnd(state) ? [id] : [];
    });
  }

  /** The facts with the key of the device, where a terminal has no path: it was dumped with --external. */
  withKey(facts: EntryFacts): EntryFacts {
    const key = facts.isNameless === true ? this.of(facts.terminalId)?.key : undefined;
    if (key === undefined) return facts;
    const { isNameless: _named, ...others } = facts;
    return { ...others, key };
  }
}
