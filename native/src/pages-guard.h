/*
 * Pages of another checkpoint, which a restore with auto-dedup would empty. The launcher sees that option in the words of COMMAND
 * alone; a client of CRIU's RPC, or a configuration file that it names, can ask for it as well.
 */
#ifndef FDGRAFT_PAGES_GUARD_H
#define FDGRAFT_PAGES_GUARD_H

/*
 * From now on CRIU cannot open pages for writing that the image directory shares with another one, or that parent leads to.
 * Needs redirect.h: on other machines nothing is guarded. -1 on a system error, which it has said.
 */
int pages_guard_start(int directory);

#endif
