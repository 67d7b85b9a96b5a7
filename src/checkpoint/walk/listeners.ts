import type { RecordEvents, Subscriber } from './subscriber';

export type RecordEvent = keyof RecordEvents;

/** A subscriber that hears an event. */
export type Listener<E extends RecordEvent> = Subscriber & Pick<RecordEvents, E>;

export type Listeners = { readonly [E in RecordEvent]: readonly Listener<E>[] };

/** Every event; the compiler says where one is missing. */
const EVENTS: Readonly<Record<RecordEvent, true>> = {
  inventory: true,
  task: true,
  ids: true,
  core: true,
  mount: true,
  entry: true,
  bareEntry: true,
  path: true,
  descriptor: true,
  reference: true,
  packet: true,
  connection: true,
  remap: true,
  tie: true,
  watch: true,
  mark: true,
  ghost: true,
  unread: true,
  terminal: true,
  memfd: true,
  external: true,
  pagemap: true,
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
