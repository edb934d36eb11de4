package awsfake_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"threatdetect/internal/awsfake"
)

// Any client of the SDK is pointed at the server by its address alone.
func Example() {
	server, err := awsfake.New(awsfake.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
	id, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*id.Account, server.Requests()[0].Protocol)
	// Output: 111122223333 query
}
