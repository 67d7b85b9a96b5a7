#!/usr/bin/env node
import v8 from 'node:v8';
import { main } from './main';

// A stream of short-lived records needs no large nursery: it would only stay resident (docs/PERFORMANCE.md).
v8.setFlagsFromString('--semi-space-growth-factor=1');

void main(process.argv.slice(2));
