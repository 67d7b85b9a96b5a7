/**
 * Modules of Node.js that take milliseconds to load, as long as a small command runs: loaded by those who need them,
 * when they do.
 */
export const builtins = {
  get crypto() {
    return process.getBuiltinModule('node:crypto');
  },
  get childProcess() {
    return process.getBuiltinModule('node:child_process');
  },
  get net() {
    return process.getBuiltinModule('node:net');
  },
  get v8() {
    return process.getBuiltinModule('node:v8');
  },
  get zlib() {
    return process.getBuiltinModule('node:zlib');
  },
};
