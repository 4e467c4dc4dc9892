// Checks receipts with the note and tlog packages that Go's checksum database is read with.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run tests/interop/note/main.go VKEY ENTRIES_DIR
//
// ENTRIES_DIR holds <seq>.json beside <seq>.tlog-proof. Prints `ok <seq> of <size>` for each; the exit code is 1 if one fails.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: main VKEY ENTRIES_DIR")
		os.Exit(64)
	}
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		fmt.Println("FAILED", err)
		os.Exit(1)
	}
	entries, _ := filepath.Glob(filepath.Join(os.Args[2], "*.json"))
	if len(entries) == 0 {
		fmt.Println("FAILED there are no entries in", os.Args[2])
		os.Exit(1)
	}
	failed := false
	for _, entry := range entries {
		if said, err := check(entry, verifier); err != nil {
			fmt.Printf("FAILED %s: %v\n", entry, err)
			failed = true
		} else {
			fmt.Println(said)
		}
	}
	if failed {
		os.Exit(1)
	}
}

func check(path string, verifier note.Verifier) (string, error) {
	entry, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	receipt, err := os.ReadFile(strings.TrimSuffix(path, ".json") + ".tlog-proof")
	if err != nil {
		return "", err
	}
	head, checkpoint, found := strings.Cut(string(receipt), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		return "", fmt.Errorf("the receipt is not a c2sp.org/tlog-proof@v1")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return "", err
	}
	if name := strings.TrimSuffix(filepath.Base(path), ".json"); name != strconv.FormatInt(index, 10) {
		return "", fmt.Errorf("the receipt is for entry %d", index)
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return "", err
		}
		proof = append(proof, hash)
	}
	opened, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
	if err != nil {
		return "", err
	}
	text := strings.Split(opened.Text, "\n")
	if len(text) != 4 || text[0] != verifier.Name() || text[3] != "" {
		return "", fmt.Errorf("the checkpoint is not of the log %s", verifier.Name())
	}
	size, err := strconv.ParseInt(text[1], 10, 64)
	if err != nil {
		return "", err
	}
	root, err := tlog.ParseHash(text[2])
	if err != nil {
		return "", err
	}
	if err := tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry)); err != nil {
		return "", err
	}
	return fmt.Sprintf("ok %d of %d", index, size), nil
}
