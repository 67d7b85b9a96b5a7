#ifndef FDGRAFT_HELP_H
#define FDGRAFT_HELP_H

/* The text of `fdgraft-exec --help`; fdgraft-exec(1) is made from it, too. */
extern const char help[];

#endif
