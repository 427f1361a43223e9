import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { darwin, darwinSignatures } from "../../_internal/system/libc_darwin.ts";
import { DARWIN_PROCESS_SIGNATURES } from "../../_internal/system/process_calls_darwin.ts";
import type { Libc } from "../../_internal/system/calls.ts";
import { FakeMac, type FakeProcess } from "./_fake_mac.ts";

const limit = { timeout: 30_000 };

interface Member {
  readonly process: FakeProcess;
  readonly libc: Libc;
}

function member(mac: FakeMac, user?: number): Member {
  const process = mac.start(user);
  return { process, libc: darwin(process.native, "arm64", "test") };
}

/** A tree of as many processes, numbered from 1, with the descriptor that each has of the memory. */
function tree(mac: FakeMac, count: number): (Member & { descriptor: number })[] {
  const first = member(mac);
  const descriptor = first.libc.createShared();
  const members = [{ ...first, descriptor }];
  while (members.length < count) {
    const other = member(mac);
    members.push({ ...other, descriptor: other.libc.open(first.libc.pathOf(descriptor)) });
  }
  for (const [index, { libc, descriptor }] of members.entries()) assert(libc.holdNumber(descriptor, index + 1));
  return members;
}

// What can be known of the adapter for macOS without a Mac: what it does with a system that keeps to the manuals.
describe("macOS, as its manuals have it", () => {
  it("no function with a variable number of parameters is called with such a one", limit, () => {
    const fixed: Record<string, number> = { open: 2 };
    for (const signatures of [darwinSignatures("arm64"), darwinSignatures("x64"), DARWIN_PROCESS_SIGNATURES]) {
      for (const [key, signature] of Object.entries(signatures)) {
        const name = (signature as { name?: string }).name ?? key;
        assert(!["fcntl", "ioctl", "syscall", "shm_open", "openat", "sem_open", "printf"].includes(name), name);
        if (name in fixed) assertEquals(signature.parameters.length, fixed[name], name);
      }
    }
  });

  it("a process lives as long as the system holds its number", limit, () => {
    const [a, b] = tree(new FakeMac(), 2);
    assert(a.libc.isNumberHeld(a.descriptor, 2));
    assert(b.libc.isNumberHeld(b.descriptor, 1));
    assert(!a.libc.holdNumber(a.descriptor, 2));
    b.process.end();
    assert(!a.libc.isNumberHeld(a.descriptor, 2));
    assert(!a.libc.isNumberHeld(a.descriptor, 2));
  });

  it("checking which processes live leaves no file open, and does not make dead processes live", limit, () => {
    const [a, b, c] = tree(new FakeMac(), 3);
    const open = a.process.open.size;
    c.process.end();
    for (let i = 0; i < 3; i++) {
      assert(a.libc.isNumberHeld(a.descriptor, 2));
      assert(!a.libc.isNumberHeld(a.descriptor, 3));
      assert(!b.libc.isNumberHeld(b.descriptor, 3));
    }
    assertEquals(a.process.open.size, open);
  });

  it("a process whose file is gone counts as living", limit, () => {
    const mac = new FakeMac();
    const [a] = tree(mac, 2);
    for (const name of mac.names.keys()) if (name.endsWith(".2")) mac.names.delete(name);
    assert(a.libc.isNumberHeld(a.descriptor, 2));
  });

  it("the last process to end removes everything, and no other does", limit, () => {
    const mac = new FakeMac();
    const [a, b] = tree(mac, 2);
    assertEquals(mac.list().length, 3);
    a.libc.leave(a.descriptor);
    assertEquals(mac.list().length, 3);
    assert(b.libc.isNumberHeld(b.descriptor, 1));
    a.process.end();
    b.libc.leave(b.descriptor);
    assertEquals(mac.list(), []);
    assert(!b.libc.isNumberHeld(b.descriptor, 1));
    b.libc.leave(b.descriptor);
  });

  it("the next program removes killed trees, and no living or foreign tree", limit, () => {
    const mac = new FakeMac();
    const killed = tree(mac, 3);
    const living = tree(mac, 2);
    const stranger = member(mac, 502);
    const strange = stranger.libc.createShared();
    stranger.libc.holdNumber(strange, 1);
    stranger.process.end();
    const kept = mac.list();
    for (const { process } of killed) process.end();
    living[0].process.end();
    mac.names.set("/var/folders/aa/bb/C/another program's", mac.newFile(501));
    const next = member(mac);
    next.libc.sweep();
    const gone = killed[0].libc;
    assert(gone !== next.libc);
    assertEquals(mac.list().filter((name) => name.startsWith("weft.")).length, kept.length - 4);
    assert(mac.list().includes("another program's"));
    assert(living[1].libc.isNumberHeld(living[1].descriptor, 2) && next.process.open.size === 0);
    living[1].libc.leave(living[1].descriptor);
  });

  it("files without a name yet are removed where their maker is gone, and made anew where it is not", limit, () => {
    const mac = new FakeMac();
    const killed = member(mac);
    killed.process.beforeLink = () => {
      throw new Error("killed");
    };
    try {
      killed.libc.createShared();
    } catch {
      killed.process.end();
    }
    assertMatch(mac.list().join(), /^weft\.new\.\w{6}$/);
    const [a] = tree(mac, 1);
    a.libc.sweep();
    assertEquals(mac.list().length, 2);

    const slow = member(mac);
    let removals = 3;
    slow.process.beforeLink = () => {
      for (const name of mac.names.keys()) if (name.includes(".new.") && removals-- > 0) mac.names.delete(name);
    };
    const segment = slow.libc.open("/var/folders/aa/bb/C/weft_1", "new");
    assert(segment >= 0 && mac.list().includes("weft_1"));
    assertEquals(slow.libc.open("/var/folders/aa/bb/C/weft_1", "new"), -1);
    assertEquals(slow.libc.errno(), 17);
  });

  it("a list is made once, and appended to by all", limit, () => {
    const mac = new FakeMac();
    const [a, b] = [member(mac), member(mac)];
    const path = `${a.libc.memoryFolder}weft-1`;
    const lists = [a, b].map(({ libc }) => libc.open(path, "append"));
    for (const [index, { libc }] of [a, b, a].entries()) {
      libc.write(lists[index % 2], new TextEncoder().encode(`${index}\n`));
    }
    assertEquals(new TextDecoder().decode(b.libc.read(lists[1], 100)), "0\n1\n2\n");
    assert(a.libc.lockFile(lists[0], "shared") && b.libc.lockFile(lists[1], "shared"));
    assert(!a.libc.lockFile(lists[0]));
    assertEquals(a.libc.identify(lists[0]), { file: "7.101", own: true, names: 1 });
    assertEquals(member(mac, 502).libc.errno(), 0);
  });

  it("as many are woken as are asked for", limit, () => {
    const mac = new FakeMac();
    const { libc } = member(mac);
    mac.sleepers.set(4096, 5);
    assertEquals(libc.wake(4096, 2), 2);
    assertEquals(mac.sleepers.get(4096), 3);
    assertEquals(libc.wake(4096, 10), 3);
    assertEquals(libc.wake(4096, 1), 0);
    mac.sleepers.set(4096, 5);
    libc.wake(4096, 0x7fffffff);
    assertEquals(mac.sleepers.get(4096), 0);
  });

  it("a word is compared with its 32 bits, and no sleep is one of no time at all", limit, () => {
    const mac = new FakeMac();
    const { libc } = member(mac);
    libc.wait(4096, -1, 0.0000001);
    libc.wait(4096, 5, Infinity);
    libc.wait(4096, 5, 0);
    libc.wait(4096, 5, 1500);
    assertEquals(mac.slept, [
      { value: 0xffffffff, nanoseconds: 1 },
      { value: 5, nanoseconds: Infinity },
      { value: 5, nanoseconds: 1.5e9 },
    ]);
  });

  it("room for memory is what the disk has left", limit, () => {
    const mac = new FakeMac();
    const [{ libc, descriptor }] = tree(mac, 1);
    assert(libc.reserve(descriptor, 0, 2 ** 20));
    mac.room = 2 ** 26;
    assert(!libc.reserve(descriptor, 0, 2 ** 20));
    assertEquals(libc.startOf(1), 1_700_000_000_250_000);
  });
});
