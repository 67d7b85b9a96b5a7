# runtime-room.sh ROOT WORK NATIVE
#
# In a pid and mount namespace of its own: makes a Debian in ROOT the root of all that runs here, with a layer in memory
# over it that takes what is written. WORK is /tmp/work there, NATIVE (a build of native/) /tmp/native.
set -eu
mount -t tmpfs -o mode=755 room /mnt
mkdir /mnt/upper /mnt/inner /mnt/root
mount -t overlay -o "lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/inner" room /mnt/root
cd /mnt/root
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 room run
mount -t tmpfs room tmp
mkdir tmp/work tmp/native
mount --bind "$2" tmp/work
mount --bind "$3" tmp/native
# crun takes cgroups of version 1 or 2, not both.
! mountpoint -q sys/fs/cgroup/unified || umount sys/fs/cgroup/unified
pivot_root . .
cd /
umount -l .
# For a CRIU that gets nothing of this in its environment.
mkdir -p /usr/lib/criu
ln -s /tmp/native/fdgraft.so /usr/lib/criu/fdgraft.so
