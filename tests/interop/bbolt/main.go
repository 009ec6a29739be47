// The real library, for the tests: makes databases, says what is in them, and writes without a pause.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Keys and values in hex; a bucket is an object, a value a text.
func dump(bucket *bolt.Bucket) map[string]any {
	found := map[string]any{}
	must(bucket.ForEach(func(key, value []byte) error {
		name := hex.EncodeToString(key)
		if value == nil {
			found[name] = dump(bucket.Bucket(key))
		} else {
			found[name] = hex.EncodeToString(value)
		}
		return nil
	}))
	return found
}

func dumpAll(tx *bolt.Tx) map[string]any {
	found := map[string]any{}
	must(tx.ForEach(func(name []byte, bucket *bolt.Bucket) error {
		found[hex.EncodeToString(name)] = dump(bucket)
		return nil
	}))
	return found
}

func someBytes(random *rand.Rand, most int) []byte {
	found := make([]byte, 1+random.Intn(most))
	random.Read(found)
	return found
}

func sizeOf(random *rand.Rand, pageSize int) int {
	switch random.Intn(100) {
	case 0:
		return 3 * pageSize
	case 1:
		return pageSize
	default:
		return 60
	}
}

func fill(random *rand.Rand, bucket *bolt.Bucket, depth, pageSize int) {
	bucket.FillPercent = 0.1 + 0.9*random.Float64()
	number := random.Intn(1 << random.Intn(9-2*depth))
	for i := 0; i < number; i++ {
		key := someBytes(random, 1+random.Intn(40))
		if depth < 4 && random.Intn(8) == 0 {
			inner, err := bucket.CreateBucketIfNotExists(key)
			if err == nil {
				fill(random, inner, depth+1, pageSize)
			}
			continue
		}
		if err := bucket.Put(key, someBytes(random, sizeOf(random, pageSize))); err != nil && err != bolt.ErrIncompatibleValue {
			panic(err)
		}
	}
}

func thin(random *rand.Rand, bucket *bolt.Bucket) {
	var keys [][]byte
	must(bucket.ForEach(func(key, value []byte) error {
		if random.Intn(3) == 0 {
			keys = append(keys, append([]byte{}, key...))
		}
		return nil
	}))
	for _, key := range keys {
		if bucket.Bucket(key) != nil {
			if random.Intn(2) == 0 {
				thin(random, bucket.Bucket(key))
			} else {
				must(bucket.DeleteBucket(key))
			}
			continue
		}
		must(bucket.Delete(key))
	}
}

func change(random *rand.Rand, tx *bolt.Tx, pageSize int) {
	for i := 0; i < 2; i++ {
		bucket, err := tx.CreateBucketIfNotExists([]byte(fmt.Sprintf("top%d", random.Intn(4))))
		must(err)
		if random.Intn(3) == 0 {
			thin(random, bucket)
		} else {
			fill(random, bucket, 0, pageSize)
		}
	}
}

// make FOLDER SEED NUMBER: databases of several page sizes, each with what is in it as JSON.
func makeAll(folder string, seed int64, number int) {
	for i := 0; i < number; i++ {
		random := rand.New(rand.NewSource(seed + int64(i)))
		pageSize := []int{1024, 4096, 4096, 16384, 65536}[random.Intn(5)]
		path := filepath.Join(folder, strconv.Itoa(i)+".db")
		options := bolt.Options{PageSize: pageSize, NoFreelistSync: random.Intn(2) == 0}
		db, err := bolt.Open(path, 0o600, &options)
		must(err)
		db.NoSync = true
		for j := random.Intn(6); j >= 0; j-- {
			must(db.Update(func(tx *bolt.Tx) error { change(random, tx, pageSize); return nil }))
		}
		must(db.View(func(tx *bolt.Tx) error {
			data, err := json.Marshal(dumpAll(tx))
			must(err)
			return os.WriteFile(filepath.Join(folder, strconv.Itoa(i)+".json"), data, 0o600)
		}))
		must(db.Close())
	}
}

// write FILE NUMBER: so many transactions, each of which writes its own number everywhere.
func write(path string, number int) {
	random := rand.New(rand.NewSource(1))
	db, err := bolt.Open(path, 0o600, nil)
	must(err)
	db.NoSync = true
	for i := 0; i < number; i++ {
		must(db.Update(func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("all"))
			must(err)
			value := []byte(strconv.Itoa(i))
			for j := 0; j < 500; j++ {
				must(bucket.Put([]byte(fmt.Sprintf("%04d", j)), append(value, make([]byte, random.Intn(300))...)))
			}
			return nil
		}))
	}
	must(db.Close())
}

func main() {
	number, err := strconv.Atoi(os.Args[len(os.Args)-1])
	must(err)
	if os.Args[1] == "make" {
		seed, err := strconv.ParseInt(os.Args[3], 10, 64)
		must(err)
		makeAll(os.Args[2], seed, number)
	} else {
		write(os.Args[2], number)
	}
}
