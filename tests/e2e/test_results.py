"""Networks of every kind on real inputs, each in a window of its own: what a person reads there is right."""

import os
import pwd
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lathe_driver import Driver, Failure, Tap

program, out = sys.argv[1], sys.argv[2]
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
data = os.environ.get("LATHE_TEST_DATA") or os.path.join(root, "..", "shared", "models")
# Where data/fetch-models puts networks; the home of this script's environment is an empty one.
fetched = os.path.join(pwd.getpwuid(os.getuid()).pw_dir, ".local", "share", "lathe", "models", "networks")

# What is on the pictures and in the sounds, as anybody can see and hear; the expression is for the result in words.
CASES = [
    ("face detection", "vision/face/yunet_n_320_320.onnx", "vision/images/face.jpg", r"Result\. face +9\d\.\d %.*\nface +\d"),
    ("object detection", "vision/detect/FastestDet.onnx", "vision/images/pets.jpg", r"Result\. dog +\d\d\.\d %.*\ndog"),
    ("segmentation", "vision/seg/deeplabv3_mnv2_dm05_pascal_quant.tflite", "vision/seg/bird_segmentation.bmp", r"bird"),
    ("image classification", "vision/imagenet/mobilenet_v2_1.0_224_quant.tflite", "vision/images/cat_720p.jpg", r"Result\. Egyptian cat +8\d\.\d %"),
    ("digits", "vision/mnist/opt-mnist.onnx", "vision/mnist/5.jpg", r"Result\. 5 +\d\d"),
    ("keywords", "audio/kws/kws_ref_model.tflite", "audio/kws/yes_1000ms.wav", r"Result\. yes +9\d\.\d %"),
    ("speech commands", "audio/kws/micro_speech_quantized.tflite", "audio/kws/no_1000ms.wav", r"Result\. no +\d\d"),
    ("voice activity", "audio/vad/silero_vad_openvino_16k.onnx", "audio/speech/jfk.wav", r"Result\. .*voice"),
    ("super resolution", "vision/detect/pytorch_super_resolution.onnx", "vision/images/parrot.jpg", r"Result\. .*672 x 672"),
    ("faces, BlazeFace", f"{fetched}/face_detection_short_range.tflite", "vision/images/face.jpg", r"Result\. face +9\d\.\d %.*\nface +9"),
    ("face mesh", f"{fetched}/face_landmark.tflite", "vision/images/face.jpg", r"Result\. 468 points"),
    ("body pose", f"{fetched}/pose_landmark_full.tflite", "vision/images/grace_hopper.bmp", r"Result\. 33 points"),
    ("person and background", f"{fetched}/selfie_segmentation.tflite", "vision/images/grace_hopper.bmp", r"foreground +[4-7]\d\.\d %"),
]


def reading(driver):
    node = driver.look("image", contains="Result. ")
    return node.name if node else ""


def check_case(title, network, sample, expected):
    driver = Driver(program, [os.path.join(data, network)], out)
    try:
        driver.wait("Run to be possible", lambda: driver.look("push button", "Run") and driver.sensitive(driver.look("push button", "Run")))
        driver.click(driver.find("push button", "Choose…"))
        time.sleep(1.0)
        driver.keys("ctrl+l", "ctrl+a")
        driver.type(os.path.join(data, sample))
        driver.keys("Return")
        time.sleep(1.5)  # GTK 4.8 does not survive being walked through while a dialog goes
        try:
            driver.wait(f"the result of {title}", lambda: re.search(expected, reading(driver)))
        except Failure as failure:
            raise Failure(f"{failure}; it was “{reading(driver)}”") if driver.process.poll() is None else failure
        driver.picture("results-" + title.replace(" ", "-"))
        if driver.quit() != 0:
            raise Failure("the program did not end well")
    finally:
        if driver.process.poll() is None:
            driver.process.kill()


tap = Tap()
cases = [case for case in CASES if all(os.path.exists(os.path.join(data, path)) for path in case[1:3])]
if not cases:
    print(f"1..0 # SKIP there are no networks in {data} (set LATHE_TEST_DATA)")
    sys.exit(0)
failed = False
for case in CASES:
    if case in cases:
        tap.failed = False  # one network does not build on another
        tap.step(case[0], lambda: check_case(*case))
        failed = failed or tap.failed
    else:
        tap.n += 1
        print(f"ok {tap.n} {case[0]} # SKIP {case[1]} or {case[2]} is not there (LATHE_TEST_DATA, data/fetch-models)", flush=True)
tap.failed = failed
sys.exit(tap.end())
