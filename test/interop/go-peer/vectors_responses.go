package main

import (
	"crypto/sha256"
	"encoding/hex"

	pb "github.com/golang/groupcache/groupcachepb"
	"github.com/golang/protobuf/proto"
)

type response struct {
	ValueLength *int     `json:"valueLength"`
	MinuteQps   *float64 `json:"minuteQps"`
	Length      int      `json:"length"`
	Hex         string   `json:"hex,omitempty"`
	PrefixHex   string   `json:"prefixHex,omitempty"`
	Sha256      string   `json:"sha256"`
}

func responseVectors() (document, error) {
	var responses list
	add := func(value []byte, minuteQps *float64) error {
		body, err := proto.Marshal(&pb.GetResponse{Value: value, MinuteQps: minuteQps})
		if err != nil {
			return err
		}
		digest := sha256.Sum256(body)
		r := response{MinuteQps: minuteQps, Length: len(body), Sha256: hex.EncodeToString(digest[:])}
		if value != nil {
			length := len(value)
			r.ValueLength = &length
		}
		if len(body) <= 350 {
			r.Hex = hex.EncodeToString(body)
		} else {
			r.PrefixHex = hex.EncodeToString(body[:32])
		}
		responses = append(responses, r)
		return nil
	}
	rates := []*float64{nil, proto.Float64(0), proto.Float64(1.5), proto.Float64(1e9)}
	for _, rate := range rates {
		if err := add(nil, rate); err != nil {
			return nil, err
		}
	}
	for _, length := range []int{0, 1, 127, 128, 300, 16384, 70000} {
		value := make([]byte, length)
		for i := range value {
			value[i] = byte(i % 251)
		}
		for _, rate := range rates {
			if err := add(value, rate); err != nil {
				return nil, err
			}
		}
	}
	return document{
		{"about", "GetResponse as Go encodes it. Byte i of a value is i % 251; valueLength null is a message without a value, " +
			"minuteQps null one without a rate, as Go's server sends them (nor a value, if the getter sets none). " +
			"prefixHex: the first 32 bytes of a message of more than 350."},
		{"responses", responses},
	}, nil
}
