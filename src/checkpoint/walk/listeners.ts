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
  unread: true,
  terminal: true,
  external: true,
  pagemap: true,
};

/** The subscribers by the events that they hear. */
export function listenersAmong(subscribers: readonly Subscriber[]): Listeners {
  const events = Object.keys(EVENTS) as RecordEvent[];
  const lists = events.map((event) => [event, subscribers.filter((one) => one[event] !== undefined)]);
  return Object.fromEntries(lists) as Listeners;
}
