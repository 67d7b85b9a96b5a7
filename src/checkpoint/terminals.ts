import { decode } from '../schema/decode';
import { TTY_INFO_ENTRY } from '../schema/generated/images';
import type { EntryFacts } from './entry-facts';
import { terminalKey } from './key-text';
import type { Subscriber } from './walk/subscriber';

/** What tty-info.img says of a terminal. */
export interface TerminalState {
  /** CRIU's own key of it. */
  readonly key: string;
  /** The session that had it as controlling terminal, and the process group in its foreground; 0: none. */
  readonly session: number;
  readonly foreground: number;
  /** Its size in characters; undefined where it was hung up. */
  readonly size: { readonly rows: number; readonly columns: number } | undefined;
}

/** The terminals of a checkpoint, by their number in tty-info.img. Grows by a few numbers a terminal. */
export class Terminals {
  private readonly states = new Map<number, TerminalState>();

  /** Its part in a walk. */
  readonly events: Subscriber = {
    terminal: (bytes, start, end) => {
      const { id, rdev, dev = 0, sid, pgrp, winsize } = decode(TTY_INFO_ENTRY, bytes, start, end);
      if (this.states.has(id)) return;
      const size = winsize && { rows: winsize.ws_row, columns: winsize.ws_col };
      this.states.set(id, { key: terminalKey(rdev, dev), session: sid, foreground: pgrp, size });
    },
  };

  of({ terminalId }: Pick<EntryFacts, 'terminalId'>): TerminalState | undefined {
    return terminalId === undefined ? undefined : this.states.get(terminalId);
  }

  /** The facts with the key of the device, where a terminal has no path: it was dumped with --external. */
  withKey(facts: EntryFacts): EntryFacts {
    const key = facts.isNameless === true ? this.of(facts)?.key : undefined;
    if (key === undefined) return facts;
    const { isNameless: _named, ...others } = facts;
    return { ...others, key };
  }
}
