import test from 'ava';
import { IMAGE_KINDS, IMG_COMMON, IMG_SERVICE, PLAN_MAGIC } from '../../src/frames/image-kinds';
import { whatBegins } from '../../src/frames/what-begins';
import { uint32 } from '../support/images';

test('a magic of any kind begins an image', (t) => {
  for (const magic of [IMG_COMMON, IMG_SERVICE, PLAN_MAGIC, ...IMAGE_KINDS.map(({ magic }) => magic)]) {
    t.is(whatBegins(uint32(magic)), 'image');
    t.is(whatBegins(uint32(magic).subarray(0, 3)), undefined);
  }
  t.is(whatBegins(uint32(1)), undefined);
});

const JSON_BEGINS = ['{"ma', '{ "m', '{  "', '{\n\t"', ' {"m', '\n {"', '  {"', '{   ', '   {', ' {  ', '\ufeff{'];
const OTHERS = ['', '{', '{}', '    ', '[{"m', '{ma"', '{{"m', 'a{"m', '{a "', ' a {', '"{"m', '\ufeff"', 'x\ufeff{'];

test('JSON begins with an object', (t) => {
  for (const text of JSON_BEGINS) t.is(whatBegins(Buffer.from(text)), 'json', JSON.stringify(text));
  for (const text of OTHERS) t.is(whatBegins(Buffer.from(text)), undefined, JSON.stringify(text));
  // A part of a byte order mark is none.
  for (const bytes of ['ef20207b', '20bb207b', '2020bf7b'])
    t.is(whatBegins(Buffer.from(bytes, 'hex')), undefined, bytes);
});
