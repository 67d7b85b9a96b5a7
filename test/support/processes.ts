import fs from 'node:fs';

/** The pids of the processes of this name (comm) that have this in their environment. One that ends meanwhile is none. */
export function processesWith(name: string, variable: string): string[] {
  const isOne = (pid: string): boolean => {
    try {
      const environment = fs.readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      return fs.readFileSync(`/proc/${pid}/comm`, 'utf8') === `${name}\n` && environment.includes(variable);
    } catch {
      return false;
    }
  };
  return fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && isOne(entry));
}
