import type { RecordEvents, Subscriber } from './subscriber';

export type RecordEvent = keyof RecordEvents;

/** A subscriber that hears an event. */
export type Listener<E extends RecordEvent> = Subscriber & Pick<RecordEvents, E>;

export type Listeners = { readonly [E in RecordEvent]: readonly Listener<E>[] };

/** The names of all events; the compiler says where one is missing. */
const EVENTS: Readonly<Record<RecordEvent, null>> = {
  inventory: null,
  task: null,
  ids: null,
  core: null,
  mount: null,
  entry: null,
  bareEntry: null,
  path: null,
  descriptor: null,
  reference: null,
  packet: null,
  connection: null,
  remap: null,
  tie: null,
  watch: null,
  mark: null,
  ghost: null,
  unread: null,
  terminal: null,
  memfd: null,
  external: null,
  pagemap: null,
};

/** The subscribers by the events that they hear. */
export function listenersAmong(subscribers: readonly Subscriber[]): Listeners {
  const events = Object.keys(EVENTS) as RecordEvent[];
  const lists = events.map((event) => [event, subscribers.filter((one) => one[event] !== undefined)]);
  return Object.fromEntries(lists) as Listeners;
}

/** Types have numbers below 30; others, which only a damaged image can have, are not remembered. */
const REMEMBERED_TYPES = 128;

/** Finds those among the listeners who hear entries of a type. */
export function listenersByType<L extends Subscriber>(listeners: readonly L[]): (type: number) => readonly L[] {
  const ofType = (type: number) => listeners.filter(({ entryTypes }) => entryTypes?.has(type) !== false);
  const remembered = Array.from({ length: REMEMBERED_TYPES }, (_none, type) => ofType(type));
  return (type) => remembered[type] ?? ofType(type);
}
