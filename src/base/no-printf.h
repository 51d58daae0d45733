/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Forced into commands and the model: they speak in rows and errors, never to a stream. */
#ifndef KA_NO_PRINTF_H
#define KA_NO_PRINTF_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#pragma GCC poison printf fprintf vprintf vfprintf puts putchar fputs fputc fwrite perror dprintf strcpy strcat sprintf vsprintf gets strtok
#endif
