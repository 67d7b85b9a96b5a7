import { pushTo } from '../bytes/groups';
import type { SinkNotice } from '../storage/sink';

const NOTICES = {
  OWNER_NOT_KEPT: 'belongs to you now: it takes root with CAP_CHOWN to give files away',
  SET_ID_NOT_KEPT:
    'has no set-user-id or set-group-id bit now: it takes root with CAP_FOWNER and CAP_FSETID to set them on a file of others',
  SPECIAL_FILE_LEFT_OUT: 'is a socket, FIFO or device and was left out',
  DANGLING_LINK_LEFT_OUT:
    'is a link to no regular file or directory that this user can see, and no image; it was left out',
  OUTER_LINK_LEFT_OUT: 'is a link out of the directory, which no archive should have; it was left out',
  PARENT_MISSING:
    'leads to no directory that this user can see: a restore needs the previous dump there, for the pages that did not change since',
  WORK_FOLDER_LEFT: 'was left by a rewrite and could not be removed: do that yourself',
  PAGES_LINKED:
    'is linked to the source: a criu dump into either directory, or criu restore --auto-dedup, changes both',
} as const;

/** What could not be taken over quite as it was, a line for each kind. */
export function noticeLines(notices: readonly SinkNotice[]): string[] {
  const members = new Map<keyof typeof NOTICES, string[]>();
  for (const { code, member } of notices) pushTo(members, code, member);
  return [...members].map(([code, names]) => `note: ${summarize(names)} ${NOTICES[code]}`);
}

function summarize(names: readonly string[]): string {
  const [first = ''] = names;
  return names.length === 1 ? first : `${first} (and ${names.length - 1} more)`;
}
