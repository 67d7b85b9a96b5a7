# booted-systemd.sh ROOM SHARE
#
# In namespaces of its own: boots the systemd of this machine over a layer in memory that takes what is written. SHARE is
# /run/share there; its `main.sh` is run, and when that ends, all ends. ROOM: an empty directory to mount all this at.
set -eu
cd "$1"
mount -t tmpfs -o mode=755 systemd .
cd "$1"
mkdir upper inner root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=inner systemd root
cd root
mount -t proc proc proc
mount --rbind /sys sys
mount --make-rslave sys
mount -t tmpfs -o mode=755 systemd sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs -o mode=755 systemd run
mount -t tmpfs systemd tmp
mkdir run/share
mount --bind "$2" run/share

# Nothing of the machine is started.
rm -rf etc/systemd/system
mkdir etc/systemd/system
cd etc/systemd/system
ln -s /lib/systemd/system/multi-user.target default.target
for target in basic multi-user; do
  printf '[Unit]\nDescription=bare\nDefaultDependencies=no\n' >$target.target
done
echo 'Wants=main.service' >>multi-user.target
cat >main.service <<'UNIT'
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh -e /run/share/main.sh
ExecStopPost=systemctl exit --force
StandardOutput=file:/run/share/said
StandardError=file:/run/share/said
UNIT

cd "$1/root"
mkdir -p mnt
pivot_root . mnt
cd /
umount -l mnt
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=console \
  --show-status=0 --log-color=0
