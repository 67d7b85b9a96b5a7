// Loaded into a measured node process: says at its end how much memory it had.

process.on('exit', () => {
  process.stderr.write(`peak resident ${process.resourceUsage().maxRSS} KiB\n`);
});
