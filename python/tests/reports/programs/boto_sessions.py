"""Short-lived sessions of boto3 on a long-lived one of botocore: each leaves its handlers there."""

import boto3
import botocore.session
from ready import wait

botocore_session = botocore.session.Session()
boto3.Session(region_name="us-west-2", botocore_session=botocore_session)
for _ in range(4000):
    boto3.Session(region_name="us-west-2", botocore_session=botocore_session)
wait()
