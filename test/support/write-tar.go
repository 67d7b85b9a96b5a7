// Writes a directory as an archive, the way container runtimes do: filepath.Walk, FileInfoHeader, a format.
//
//	write-tar FORMAT DIRECTORY ARCHIVE     FORMAT: pax, gnu, ustar
package main

import (
	"archive/tar"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"
)

func main() {
	formats := map[string]tar.Format{"pax": tar.FormatPAX, "gnu": tar.FormatGNU, "ustar": tar.FormatUSTAR}
	format, directory := formats[os.Args[1]], os.Args[2]
	file, err := os.Create(os.Args[3])
	check(err)
	writer := tar.NewWriter(file)
	check(filepath.Walk(directory, func(path string, info os.FileInfo, err error) error {
		check(err)
		name, err := filepath.Rel(directory, path)
		check(err)
		if name == "." {
			return nil
		}
		target := ""
		if info.Mode()&os.ModeSymlink != 0 {
			target, err = os.Readlink(path)
			check(err)
		}
		header, err := tar.FileInfoHeader(info, target)
		check(err)
		header.Name = name
		if info.IsDir() {
			header.Name += "/"
		}
		header.Format = format
		if format == tar.FormatPAX {
			// Times with fractions, an owner with no room in octal digits, attributes that are no text.
			header.ModTime = time.Unix(1700000000, 123456789)
			header.AccessTime = time.Unix(1700000001, 1)
			header.Uid, header.Gid = 3000000000, 3000000001
			header.PAXRecords = map[string]string{
				"SCHILY.xattr.user.note":           "\xff\xfe=\n with a line end",
				"SCHILY.xattr.security.capability": "\x01\x00\x00\x02",
			}
		}
		if format == tar.FormatGNU {
			header.Uid, header.Gid = 3000000000, 3000000001
		}
		check(writer.WriteHeader(header))
		if info.Mode().IsRegular() {
			content, err := os.Open(path)
			check(err)
			_, err = io.Copy(writer, content)
			check(err)
			content.Close()
		}
		return nil
	}))
	check(writer.Close())
	check(file.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
