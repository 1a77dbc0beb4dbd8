package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/golang/groupcache/consistenthash"
)

type ring struct {
	Peers    int   `json:"peers"`
	Replicas int   `json:"replicas"`
	Owners   []int `json:"owners"`
}

type namedRing struct {
	Name     string   `json:"name"`
	Hash     string   `json:"hash"`
	Replicas int      `json:"replicas"`
	Peers    []string `json:"peers"`
	Keys     []string `json:"keys"`
	Owners   []int    `json:"owners"`
}

func peerURL(n int) string { return fmt.Sprintf("http://10.0.0.%d:8080", n) }

// atoiHash is the hash of Go's own consistenthash test: the number that the text says.
func atoiHash(data []byte) uint32 {
	n, err := strconv.Atoi(string(data))
	if err != nil {
		panic(err)
	}
	return uint32(n)
}

var hashes = map[string]consistenthash.Hash{"crc32": crc32.ChecksumIEEE, "atoi": atoiHash}

// owners gives the index in peers (of the first that is called so) of the owner of each key.
func owners(hash string, replicas int, peers, keys []string) []int {
	ring := consistenthash.New(replicas, hashes[hash])
	ring.Add(peers...)
	index := map[string]int{}
	for i := len(peers) - 1; i >= 0; i-- {
		index[peers[i]] = i
	}
	result := make([]int, len(keys))
	for i, key := range keys {
		result[i] = index[ring.Get(key)]
	}
	return result
}

func ringVectors() (document, error) {
	keys := append([]string{}, oddKeys...)
	// The texts of points themselves: a key that is exactly on a point belongs to that point.
	keys = append(keys, "0"+peerURL(1), "2"+peerURL(3), "49"+peerURL(2), "99"+peerURL(64))
	for _, n := range []int{1, 2, 3, 10, 99, 1000, 123456} {
		keys = append(keys, "key-"+strconv.Itoa(n))
	}

	var rings list
	for count := 1; count <= 100; count++ {
		peers := make([]string, count)
		for i := range peers {
			peers[i] = peerURL(i + 1)
		}
		for _, replicas := range []int{1, 3, 10, 50, 100} {
			rings = append(rings, ring{count, replicas, owners("crc32", replicas, peers, keys)})
		}
	}

	var named list
	add := func(name, hash string, replicas int, peers, keys []string) {
		named = append(named, namedRing{name, hash, replicas, peers, keys, owners(hash, replicas, peers, keys)})
	}
	odd := []string{
		"http://10.0.0.1:8080/", "http://10.0.0.1:8080", "HTTP://Host.Example:80", "http://host.example", "http://[::1]:8080",
		"http://bücher.example:8080", "http://日本.example", "peer 🦊", "https://a.example/base path/", "Bob", "bob", "", " ", "7",
	}
	add("names as given", "crc32", 50, odd, keys[:40])
	add("names as given", "crc32", 3, odd, keys[:40])
	add("the same peer twice", "crc32", 50, []string{"Bill", "Bob", "Bill", "Bonny"}, keys[:40])
	goTest := []string{"2", "11", "23", "27", "0", "26", "28", "29"}
	add("TestHashing", "atoi", 3, []string{"6", "4", "2"}, goTest)
	add("TestHashing, 8 added", "atoi", 3, []string{"6", "4", "2", "8"}, goTest)
	big := []string{"0", "1", "2147483647", "2147483648", "2147483649", "2999999999", "3000000000", "3000000001", "4294967295"}
	add("points over 2^31 sort as unsigned", "atoi", 1, []string{"3000000000", "5", "2147483648"}, big)

	// Points that tie by their text: replica 1 of "1x" and replica 11 of "x" are both "11x".
	add("tie by text", "crc32", 50, []string{"x", "1x", "11x"}, keys[:40])
	add("tie by text, other order", "crc32", 50, []string{"11x", "1x", "x"}, keys[:40])
	// With the number as hash, "2", "02" and "002" have every point in common.
	same := []string{"0", "1", "2", "3", "12", "13", "22", "23"}
	add("tie on every point", "atoi", 3, []string{"2", "02"}, same)
	add("tie on every point, other order", "atoi", 3, []string{"02", "2"}, same)
	add("tie of three, last added wins", "atoi", 1, []string{"2", "002", "7", "02", "9"}, same)

	first, second, err := tiedPeers(50)
	if err != nil {
		return nil, err
	}
	third := peerURL(1)
	tied := contested(50, []string{first, second, third}, []string{second, first, third}, 4)
	tied = append(tied, "key-1", "key-2", "key-3", "key-4")
	for _, peers := range [][]string{
		{first, second, third}, {second, first, third}, {first, third, second}, {third, second, first},
		{first, second, third, first},
	} {
		add("URLs that share a point", "crc32", 50, peers, tied)
	}

	return document{
		{"about", "Owners by Go's consistenthash.Map. rings: peers N stands for http://10.0.0.1:8080 to " +
			"http://10.0.0.N:8080 in this order, crc32-IEEE; owners[i] is the index of the peer that owns keys[i]. " +
			"named: rings with peers, keys and hash of their own; of two peers called the same, the index of the first. " +
			"The hash atoi is the number that the text says, modulo 2^32."},
		{"keys", keys},
		{"named", named},
		{"rings", rings},
	}, nil
}

// tiedPeers finds the first two peers of 10.0.0.0/16 of which a point is the same.
func tiedPeers(replicas int) (string, string, error) {
	holders := map[uint32]string{}
	for n := 0; n < 1<<16; n++ {
		peer := fmt.Sprintf("http://10.0.%d.%d:8080", n>>8, n&255)
		for i := 0; i < replicas; i++ {
			point := crc32.ChecksumIEEE([]byte(strconv.Itoa(i) + peer))
			if holder, taken := holders[point]; taken && holder != peer {
				return holder, peer, nil
			}
			holders[point] = peer
		}
	}
	return "", "", errors.New("no two peers share a point")
}

// contested finds keys whose owner depends on the order in which the peers are added.
func contested(replicas int, peers, reordered []string, count int) []string {
	ring, other := consistenthash.New(replicas, nil), consistenthash.New(replicas, nil)
	ring.Add(peers...)
	other.Add(reordered...)
	var keys []string
	for n := 0; len(keys) < count; n++ {
		if key := "key-" + strconv.Itoa(n); ring.Get(key) != other.Get(key) {
			keys = append(keys, key)
		}
	}
	return keys
}
