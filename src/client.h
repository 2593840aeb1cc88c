/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line client: `pepctl COMMAND ...`, a client of the daemon's API.
 */
#ifndef CLIENT_H
#define CLIENT_H

/**
 * Runs one command. @argv[0] is the program, options and the command follow in
 * any order. Returns the exit status: see pepctl(8).
 */
int client_main(int argc, char **argv);

#endif
