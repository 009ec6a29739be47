// Oracle reads tars as Go's archive/tar does, and prints what it sees of each.
//
// On standard input: a length in four bytes, big-endian, and as many bytes of a tar, again and
// again. On standard output: one line of JSON for each.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
)

// Member is what Go makes of one member; names are hex, since they need not be UTF-8.
type Member struct {
	Name   string `json:"name"`
	Kind   int    `json:"kind"`
	Size   int64  `json:"size"`
	Link   string `json:"link"`
	Mode   int64  `json:"mode"`
	Sum    string `json:"sum"`
	Broken string `json:"broken,omitempty"`
}

// Seen is a whole archive: its members up to the first error.
type Seen struct {
	Members []Member `json:"members"`
	Error   string   `json:"error,omitempty"`
}

const holes = 1 << 26 // a file with larger holes is not read

func read(data []byte) Seen {
	seen := Seen{Members: []Member{}}
	tr := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return seen
		}
		if err != nil {
			seen.Error = err.Error()
			return seen
		}
		m := Member{
			Name: hex.EncodeToString([]byte(h.Name)),
			Link: hex.EncodeToString([]byte(h.Linkname)),
			Kind: int(h.Typeflag), Size: h.Size, Mode: h.Mode,
		}
		sum := sha256.New()
		if h.Size > holes && h.Size > int64(len(data)) {
			m.Broken = "too large"
		} else if n, err := io.Copy(sum, tr); err != nil {
			m.Broken = err.Error()
		} else {
			m.Size = n
			m.Sum = hex.EncodeToString(sum.Sum(nil))
		}
		seen.Members = append(seen.Members, m)
	}
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	for {
		var size uint32
		if binary.Read(in, binary.BigEndian, &size) != nil {
			return
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(in, data); err != nil {
			os.Exit(1)
		}
		if encoder.Encode(read(data)) != nil || out.Flush() != nil {
			os.Exit(1)
		}
	}
}
