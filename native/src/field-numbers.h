/* Field numbers of protobuf messages. */
#ifndef FDGRAFT_FIELD_NUMBERS_H
#define FDGRAFT_FIELD_NUMBERS_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/*
 * False if the message, or one inside it, has a field of number 0. No encoding may have that; protobuf-c refuses it
 * only if the tag takes one byte, and keeps it as an unknown field otherwise.
 */
bool field_numbers_are_valid(const ProtobufCMessage *message);

#endif
