/** Lists under keys. None of them is empty. */
interface Lists<K, V> {
  get(key: K): V[] | undefined;
  set(key: K, list: [V]): unknown;
}

/** Adds a value to the list that a map has under a key; begins one where there is none. */
export function pushTo<K, V>(lists: Lists<K, V>, key: K, value: NoInfer<V>): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** The same for sets. */
export function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: NoInfer<V>): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}
