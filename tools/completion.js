// npm run completion: the completion scripts, into the directories of dist/share where the shells look for them. Part of
// `npm run build`, which makes the module that they come from.

const fs = require('node:fs');
const path = require('node:path');
const { Missing, runMain, top } = require('./ensure');

/** The scripts as { place below share: content }. */
function completionScripts() {
  const completion = path.join(top, 'dist/cli/completion');
  if (!fs.existsSync(completion)) throw new Missing('dist/ is not built: run `npm run build`');
  const load = (shell) => require(path.join(completion, `${shell}.js`))[`${shell}Scripts`]();
  const [bash, zsh, fish] = ['bash', 'zsh', 'fish'].map(load);
  return {
    'bash-completion/completions/fdgraft': bash.fdgraft,
    'bash-completion/completions/fdgraft-exec': bash.executor,
    'zsh/site-functions/_fdgraft': zsh.fdgraft,
    'zsh/site-functions/_fdgraft-exec': zsh.executor,
    'fish/vendor_completions.d/fdgraft.fish': fish.fdgraft,
    'fish/vendor_completions.d/fdgraft-exec.fish': fish.executor,
  };
}

function writeCompletionScripts() {
  for (const [name, content] of Object.entries(completionScripts())) {
    const file = path.join(top, 'dist/share', name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }
}

if (require.main === module) runMain(writeCompletionScripts);

module.exports = { completionScripts, writeCompletionScripts };
