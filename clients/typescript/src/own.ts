// Files that are the operator's own: nobody who starts the process, nor the process itself if it is
// not root's, can have put them where they are.
//
// Whose a file is says too little. The path is the caller's: behind it can be a file of /proc, which
// shows as root's what any process has written there, or one in a folder where everybody puts theirs.
// So all of the path counts, as it is without links.

import { Buffer } from "node:buffer";
import { constants } from "node:fs";
import { lstat, open, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";

import { quote } from "@cosignet/verifier";

/** Write permission of group and others. */
const WRITABLE = 0o022;

/** The bytes of a file that root alone can have written, at most `limit`. @throws an error with the reason why it is none. */
export async function ownFile(path: string, limit: number): Promise<Uint8Array> {
  if (process.platform === "win32") throw new Error("nobody can tell on this system that it is the operator's own");
  const real = await realpath(path);
  // From the root on: where one folder is root's alone, nobody else changes the name of the next.
  for (const folder of foldersOf(real)) requireRoots(`the folder ${quote(folder)}`, await lstat(folder));
  // A pipe would be waited for, before anybody can see that it is one.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error("it is no regular file");
    requireRoots("it", found);
    // That of a process in /proc has no size, and as much in it as the process likes.
    if (found.size === 0) throw new Error("it is empty");
    if (found.size > limit) throw new Error(`it has more than ${limit} bytes`);
    const bytes = Buffer.alloc(limit + 1);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled !== found.size) throw new Error("it has another number of bytes than its file system says");
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}

/** All folders above a file, the root first. */
function foldersOf(file: string): string[] {
  const above = dirname(file);
  return above === file ? [] : [...foldersOf(above), above];
}

function requireRoots(what: string, { uid, mode }: { uid: number; mode: number }): void {
  if (uid !== 0) throw new Error(`${what} does not belong to root`);
  if ((mode & WRITABLE) !== 0) throw new Error(`${what} can be written by others than root`);
}
