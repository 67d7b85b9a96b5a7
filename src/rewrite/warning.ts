/** What gets lost or may surprise. Codes are stable. */
export interface Warning {
  readonly code:
    | 'OWNER_DROPPED'
    | 'PIPE_OWNER_LOST'
    | 'ASYNC_DROPPED'
    | 'APPENDS_AT_END'
    | 'CUT_AT_OFFSET'
    | 'BYTES_DROPPED'
    | 'BYTES_TO_ONE_READER'
    | 'BOTH_ENDS'
    | 'OTHER_END_STAYS'
    | 'FILE_STILL_USED'
    | 'OTHER_OPEN_STAYS'
    | 'REMOVED_FILE_DROPPED'
    | 'LINK_LEFT_BEHIND'
    | 'WATCH_STAYS'
    | 'LOCK_NOT_SHARED'
    | 'SEVERAL_FILES'
    | 'SPEC_SHADOWED'
    | 'SPEC_UNMATCHED'
    | 'KEY_LEFT_TO_CRIU'
    | 'STATE_LOST'
    | 'CONNECTION_LEFT'
    | 'ACCEPTED_UNNAMED'
    | 'TERMINAL_NOT_CONTROLLING'
    | 'CLIENTS_CONNECT_AGAIN'
    | 'PEER_HUNG_UP'
    | 'SHUTDOWN_LOST'
    | 'SERVER_STAYS'
    | 'NAME_NOT_BOUND'
    | 'PATH_REMOVED'
    | 'IMAGE_MISSING'
    | 'NO_DESCRIPTORS'
    | 'OWN_MOUNT_NAMESPACE'
    | 'OWN_NETWORK_NAMESPACE'
    | 'LAYOUT_NOT_RESTORED';
  readonly message: string;
  /** File id that it is about. */
  readonly fileId?: number;
}
