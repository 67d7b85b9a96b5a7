# What scripts do with crit. Run where the images of fixtures/images/many_types are; everything that it prints and
# every file that it leaves is compared.
set -eu

echo '# to a file, to stdout, from stdin'
crit decode -i pstree.img -o pstree.json
crit decode -i fs-14716.img
crit decode < inventory.img
crit decode --in tty-info.img --pretty
crit decode --pretty --out=mm.json < mm-14716.img

echo '# to look at'
crit show pipes-data.img
crit show --nopl pipes-data.img
crit show ghost-file-1.img --nopl
crit show sk-queues.img --nopl
crit info fdinfo-2.img
crit info pagemap-14716.img

echo '# back again'
crit encode -i pstree.json -o pstree.new.img
cmp pstree.img pstree.new.img
crit encode --in=mm.json | cmp - mm-14716.img
for image in core-14716 files sk-queues; do
	crit decode -i $image.img | crit encode | cmp - $image.img
	crit decode -i $image.img --pretty | crit encode > again.img
	cmp again.img $image.img
done

echo '# edited with sed'
crit decode -i fs-14716.img | sed 's/"umask": 18/"umask": 63/' | crit encode -o fs.new.img
crit decode -i fs.new.img
crit decode -i files.img --pretty | sed 's/"O_RDWR"/"O_RDWR | O_APPEND | 0x8000000"/' | crit encode > files.new.img
crit show files.new.img | grep O_APPEND

echo '# edited with Python'
crit decode -i core-14716.img -o core.json
python3 -c '
import json
image = json.load(open("core.json"))
task = image["entries"][0]["tc"]
task["comm"] = "\u00fcber \"x\""
task["rlimits"]["rlimits"][0]["cur"] = 2 ** 64 - 1
image["entries"][0]["thread_core"]["sched_nice"] = -7
json.dump(image, open("core.json", "w"))
'
crit encode -i core.json -o core.new.img
crit decode -i core.new.img

crit decode -i pipes-data.img | python3 -c '
import base64, json, sys
image = json.load(sys.stdin)
entry = image["entries"][0]
entry["extra"] = base64.encodebytes(bytes(range(256))).decode()
entry["bytes"] = 256
json.dump(image, sys.stdout, indent=2)
' | crit encode > pipes-data.new.img
crit info fs.new.img
crit show pipes-data.new.img

echo '# what is no image'
crit decode -i pages-1.img > none 2> /dev/null || echo 'is none'
crit decode -i nowhere.img > none 2> /dev/null || echo 'is not there'
crit encode -i files.img -o none 2> /dev/null || echo 'is no JSON'
rm -f none
