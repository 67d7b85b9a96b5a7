import {
  type CompletedCommand,
  type CompletedOption,
  completedCommands,
  executorOptions,
  firstWords,
  type Value,
} from './grammar';

const FUNCTIONS = `# The words before the cursor that are no options, without fdgraft.
function __fdgraft_names
    set -l tokens (commandline -opc)
    set -e tokens[1]
    string match -v -- '-*' $tokens
end

# Whether these words begin the line: the command.
function __fdgraft_is
    set -l names (__fdgraft_names)
    test (count $names) -ge (count $argv); or return
    set -l first $names[1..(count $argv)]
    test "$first" = "$argv"
end

function __fdgraft_count
    test (count (__fdgraft_names)) -eq $argv[1]
end

# The specs are data: fish quotes them.
function __fdgraft_specs
    set -l tokens (commandline -opc)
    command fdgraft completion fish -- $tokens (commandline -ct | string collect) 2>/dev/null </dev/null
end
`;

export function fishScripts(): { readonly fdgraft: string; readonly executor: string } {
  return { fdgraft: fdgraftPart(), executor: executorPart() };
}

export function fishScript(): string {
  return `${fdgraftPart()}\n${executorPart()}`;
}

const quote = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;

function action({ kind, choices }: Value): string {
  if (kind === 'choice') return ` -x -a ${quote(choices.join(' '))}`;
  if (kind === 'spec') return " -x -a '(__fdgraft_specs)'";
  if (kind === 'directory') return " -x -a '(__fish_complete_directories)'";
  return kind === 'file' ? ' -r -F' : ' -x';
}

function optionLine(command: string, condition: string, { names, describe, value }: CompletedOption): string {
  const words = names.map((name) => (name.startsWith('--') ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`)).join('');
  // fish has no value that may be left out.
  const taken = value === undefined || value.isOptional ? '' : action(value);
  return `complete -c ${command}${condition}${words}${taken} -d ${quote(describe)}`;
}

function linesOf(command: CompletedCommand): string[] {
  const is = `__fdgraft_is ${command.words.join(' ')}`;
  const hasChoices = command.positionals.some(({ kind }) => kind === 'choice');
  const places = command.positionals.map((value, i) => {
    // Files would stand among the choices.
    const condition = hasChoices ? `${is}; and __fdgraft_count ${command.words.length + i}` : is;
    return `complete -c fdgraft -n '${condition}'${value.kind === 'choice' ? action(value) : ' -F'}`;
  });
  return [...command.options.map((one) => optionLine('fdgraft', ` -n '${is}'`, one)), ...new Set(places)];
}

function fdgraftPart(): string {
  const commands = completedCommands();
  const words = firstWords().map(
    ({ word, describe }) => `complete -c fdgraft -n '__fdgraft_count 0' -a ${word} -d ${quote(describe)}`,
  );
  const below = commands
    .filter(({ words }) => words.length > 1)
    .map(
      ({ words: [first, second], describe }) =>
        `complete -c fdgraft -n '__fdgraft_is ${first}; and __fdgraft_count 1' -a ${second} -d ${quote(describe)}`,
    );
  return `${FUNCTIONS}
complete -c fdgraft -f
complete -c fdgraft -n '__fdgraft_count 0' -l help -d 'Print the help'
complete -c fdgraft -n '__fdgraft_count 0' -l version -d 'Print the version'
${[...words, ...below, ...commands.flatMap(linesOf)].join('\n')}
`;
}

function executorPart(): string {
  return `function __fdgraft_exec_has_command
    contains -- -- (commandline -opc)
end

# Completes COMMAND as a line of its own.
function __fdgraft_exec_command
    set -l tokens (commandline -opc)
    set -l at (contains -i -- -- $tokens)
    set -e tokens[1..$at]
    complete -C (string join -- ' ' (string escape -- $tokens) (commandline -ct | string collect))
end

complete -c fdgraft-exec -f
${executorOptions()
  .map((one) => optionLine('fdgraft-exec', " -n 'not __fdgraft_exec_has_command'", one))
  .join('\n')}
complete -c fdgraft-exec -n __fdgraft_exec_has_command -a '(__fdgraft_exec_command)'
`;
}
