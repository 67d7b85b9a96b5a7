import { escapeControlsInJson } from '../bytes/escape';

/** A value as JSON that a terminal or an editor shows as what it is: JSON itself escapes less than `escapeControls`. */
export function safeJson(value: unknown, indent?: number): string {
  return escapeControlsInJson(JSON.stringify(value, null, indent));
}
