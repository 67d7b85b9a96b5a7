#!/usr/bin/env node
import { loadMain } from './load-main';
import { setV8Flags } from './v8-flags';

setV8Flags();
void loadMain()(process.argv.slice(2));
