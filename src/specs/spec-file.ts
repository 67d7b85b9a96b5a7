import Ajv, { type ErrorObject } from 'ajv';
import { escapeControls } from '../bytes/escape';
import { messages } from '../errors/messages';
import specsSchema from '../schema/generated/specs.json';
import { nearestOption } from './nearest-option';
import type { SpecOptions } from './spec';

/** Such a file. */
const FORM = 'write {"version": 1, "specs": [{"inherit": "fd[5]:KEY"}]}';

/** Reads the text of a --specs file: what schemas/specs.schema.json describes. Throws FdgraftError (SPEC_FILE). */
export function parseSpecFile(file: string, text: string): SpecOptions[] {
  const value = parseJson(file, text);
  const validate = new Ajv({ verbose: true }).compile<{ specs: SpecOptions[] }>(specsSchema);
  if (validate(value)) return value.specs;
  const [error] = validate.errors as [ErrorObject];
  throw messages.specFile(file, describePlace(error.instancePath, value), ...explain(error));
}

function parseJson(file: string, text: string): unknown {
  try {
    // Some editors put a byte order mark there.
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    const problem = `is not JSON: ${escapeControls((error as Error).message)}`;
    throw messages.specFile(file, undefined, problem, FORM);
  }
}

/** The place as the user finds it: its path, and the spec that it belongs to. */
function describePlace(path: string, value: unknown): string {
  const index = /^\/specs\/(\d+)/.exec(path)?.[1];
  const spec = index === undefined ? undefined : (value as { specs: { inherit?: unknown }[] }).specs[Number(index)];
  const text = typeof spec?.inherit === 'string' ? ` (${escapeControls(spec.inherit)})` : '';
  return `${path === '' ? 'the file' : escapeControls(path)}${text}`;
}

/** What is wrong and what is allowed, from the schema: [problem, hint]. */
function explain({ instancePath, keyword, params, data, message, parentSchema }: ErrorObject): [string, string] {
  const found = describeValue(data);
  const meaning = (parentSchema as { description?: string }).description;
  switch (keyword) {
    case 'enum':
      return [`${found} is none of the values there are`, `allowed: ${params.allowedValues.join(', ')}`];
    case 'const':
      return [`${found} where ${params.allowedValue} belongs`, 'this fdgraft reads version 1'];
    case 'required':
      return [
        `${params.missingProperty} is missing`,
        instancePath === '' ? FORM : describeProperty(params.missingProperty),
      ];
    case 'additionalProperties':
      return [
        `there is no option ${escapeControls(params.additionalProperty)}`,
        nearestProperty(params.additionalProperty, parentSchema),
      ];
    case 'type':
      if (instancePath === '' || instancePath === '/specs') return [`${found} is no ${params.type}`, FORM];
      if (typeof data === 'string' && params.type === 'object') {
        return [`${found} is no object`, `write {"inherit": ${found}}`];
      }
      return [`${found} is no ${params.type}`, meaning ?? `write a value of type ${params.type}`];
    default:
      return [message ?? keyword, 'schemas/specs.schema.json says what is allowed'];
  }
}

type Properties = { readonly [name: string]: { readonly description: string } };
const OPTIONS: Properties = specsSchema.properties.specs.items.properties;

function describeProperty(name: string): string {
  const { description } = OPTIONS[name] as Properties[string];
  return `${name}: ${description}`;
}

/** The option that was meant, if one comes close; else all of them. */
function nearestProperty(name: string, parent: ErrorObject['parentSchema']): string {
  return nearestOption(name, Object.keys((parent as { properties: object }).properties));
}

/** A value as JSON has it; of lists and objects the kind alone, for they can be of any size. */
function describeValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return escapeControls(JSON.stringify(value)).slice(0, 60);
}
